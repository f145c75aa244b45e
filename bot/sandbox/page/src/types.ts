/** What the server's snapshot holds; see bot/sandbox/state.py. */
export type Json = Record<string, unknown>;

export interface TextObject {
  type: string;
  text: string;
}

export interface Option {
  text: TextObject;
  value: string;
}

export interface Element {
  type: string;
  action_id?: string;
  text?: TextObject;
  value?: string;
  url?: string;
  style?: "primary" | "danger";
  confirm?: { title: TextObject; text: TextObject; confirm: TextObject; deny: TextObject };
  placeholder?: TextObject;
  options?: Option[];
  initial_option?: Option;
}

export interface Block {
  type: string;
  block_id?: string;
  elements?: Element[];
  element?: Element;
  label?: TextObject;
  hint?: TextObject;
  optional?: boolean;
}

export interface Picture {
  id: string;
  title: string;
  url: string;
}

export interface Message {
  ts: string;
  user: string;
  text: string;
  blocks: Block[];
  thread_ts: string | null;
  files: Picture[];
  visible_to: string | null;
}

export interface View {
  id: string;
  title?: TextObject;
  submit?: TextObject;
  blocks: Block[];
}

export interface Snapshot {
  names: Record<string, string>;
  bot: string;
  person: string;
  messages: Message[];
  home: View | null;
  modal: View | null;
  modal_errors: Record<string, string>;
}

/** Tells the server that an element was pressed. */
export type Press = (action: Json) => void;
