/** What the server's snapshot holds (see bot/sandbox/state.py), and the blocks in it. */
export type Json = Record<string, unknown>;

export interface TextObject {
  type: "plain_text" | "mrkdwn";
  text: string;
}

export interface Option {
  text: TextObject;
  value: string;
}

export interface Confirm {
  title: TextObject;
  text: TextObject;
  confirm: TextObject;
  deny: TextObject;
  style?: "primary" | "danger";
}

/** An element that is pressed. */
export interface Element {
  type: "button";
  action_id: string;
  text: TextObject;
  value?: string;
  url?: string;
  style?: "primary" | "danger";
  confirm?: Confirm;
}

export interface ImageElement {
  type: "image";
  image_url: string;
  alt_text: string;
}

/** An element that is filled in. */
export interface Field {
  type: "plain_text_input" | "static_select" | "external_select";
  action_id: string;
  placeholder?: TextObject;
  initial_value?: string;
  multiline?: boolean;
  options?: Option[];
  initial_option?: Option;
  dispatch_action_config?: { trigger_actions_on?: Trigger[] };
}

/** When a text that is typed is told to the bot at once. */
export type Trigger = "on_enter_pressed" | "on_character_entered";

export interface ActionsBlock {
  type: "actions";
  block_id: string;
  elements: Element[];
}

export interface SectionBlock {
  type: "section";
  block_id: string;
  text?: TextObject;
  fields?: TextObject[];
  accessory?: Element | ImageElement;
}

export interface InputBlock {
  type: "input";
  block_id: string;
  label: TextObject;
  element: Field;
  hint?: TextObject;
  optional?: boolean;
  dispatch_action?: boolean;
}

export type Block =
  | ActionsBlock
  | SectionBlock
  | InputBlock
  | { type: "header"; text: TextObject }
  | { type: "context"; elements: (TextObject | ImageElement)[] }
  | { type: "image"; image_url: string; alt_text: string; title?: TextObject }
  | PlanBlock
  | { type: "divider" };

export interface PlanBlock {
  type: "plan";
  title: string;
  tasks: { task_id: string; title: string; status: "pending" | "in_progress" | "complete" | "error" }[];
}

/** What is shown below a link: blocks, or a Work Object. */
export interface Unfurl {
  blocks?: Block[];
  entity?: {
    url: string;
    entity_payload: {
      attributes: { title: { text: string }; display_type: string; display_id: string; product_name: string };
      fields: { preview?: { image_url: string; alt_text: string } };
      custom_fields: { key: string; value: string }[];
    };
  };
}

export interface Picture {
  id: string;
  title: string;
  url: string;
  is_picture: boolean;
}

export interface Shortcut {
  callback_id: string;
  name: string;
}

export interface Message {
  ts: string;
  channel: string;
  user: string;
  text: string;
  blocks: Block[];
  thread_ts: string | null;
  files: Picture[];
  reactions: string[];
  unfurls: Unfurl[];
  visible_to: string | null;
  edited: boolean;
}

export interface View {
  id: string;
  title: TextObject | null;
  submit: TextObject | null;
  close: TextObject | null;
  blocks: Block[];
}

export type Names = Record<string, string>;

export interface Snapshot {
  names: Names;
  bot: string;
  person: string;
  channel: string;
  direct: string;
  messages: Message[];
  home: View | null;
  modal: View | null;
  suggestion: string;
  shortcuts: Shortcut[];
  modal_errors: Record<string, string>;
}

/** Tells the server that an element was pressed. */
export type Press = (action: Json) => void;
