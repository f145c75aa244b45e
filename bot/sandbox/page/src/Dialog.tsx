import { type FormEvent, useEffect, useRef, useState } from "react";
import { act } from "./api";
import { Blocks } from "./Blocks";
import { FieldInput, type Filled } from "./FieldInput";
import { Modal } from "./Modal";
import type { InputBlock, Json, Names, Trigger, View } from "./types";

type Values = Record<string, Filled>;

/** A modal view: its inputs, and the errors that the bot answered. */
export function Dialog({ view, errors, names }: { view: View; errors: Record<string, string>; names: Names }) {
  const inputs = view.blocks.filter((block) => block.type === "input");
  const [values, setValues] = useState<Values>(() => Object.fromEntries(inputs.map((i) => [i.block_id, initial(i)])));
  const [missing, setMissing] = useState<string[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const wrong = [...missing, ...Object.keys(errors)].join(" ");
  useEffect(() => showFirstError(form.current), [wrong]);
  // A browser would take the list of fields, which scrolls; Slack takes the first one. The window opens before this.
  useEffect(() => form.current?.querySelector<HTMLElement>("input, select")?.focus(), []);
  const fill = (block: InputBlock, value: Filled) => {
    const filled = { ...values, [block.block_id]: value };
    setValues(filled);
    setMissing((old) => old.filter((name) => name !== block.block_id));
    if (typeof value === "object" ? block.dispatch_action : tells(block, "on_character_entered"))
      dispatch(block, value, stateOf(inputs, filled));
  };
  const tell = (block: InputBlock) => dispatch(block, values[block.block_id] ?? null, stateOf(inputs, values));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const empty = inputs.filter((i) => !i.optional && !values[i.block_id]).map((i) => i.block_id);
    setMissing(empty);
    if (!empty.length) void act("submit", { values: stateOf(inputs, values) });
    showFirstError(form.current); // the same one once more
  };
  const close = () => void act("close_modal");
  const errorOf = (name: string) => (missing.includes(name) ? "Please complete this required field." : errors[name]);
  return (
    <Modal title={view.title?.text ?? ""} testId="modal" close={close}>
      <form onSubmit={submit} noValidate ref={form}>
        <h2>{view.title?.text}</h2>
        {errors[""] && <p className="error" role="alert">{errors[""]}</p>}
        <div className="fields-of-view">
          {view.blocks.map((block, place) =>
            block.type === "input" ? (
              <FieldInput key={view.id + place} block={block} value={values[block.block_id] ?? null}
                          error={errorOf(block.block_id)} fill={(value) => fill(block, value)}
                          enter={tells(block, "on_enter_pressed") ? () => tell(block) : undefined} />
            ) : (
              <Blocks key={place} blocks={[block]} names={names}
                      press={(action) => void act("press_in_view", { view: "modal", action })} />
            ),
          )}
        </div>
        <footer>
          <button type="button" className="button" onClick={close}>{view.close?.text ?? "Close"}</button>
          {view.submit && <button className="button filled primary" data-testid="modal-submit">{view.submit.text}</button>}
        </footer>
      </form>
    </Modal>
  );
}

/** Bring what is wrong into view: where the window is low it may be further down than what is seen. */
function showFirstError(form: HTMLElement | null): void {
  form?.querySelector("[role=alert]")?.scrollIntoView({ block: "nearest" });
}

/** Whether a text is told at a key: at Enter, where a block that asks for it does not say when. */
function tells({ dispatch_action, element }: InputBlock, when: Trigger): boolean {
  if (!dispatch_action || element.type !== "plain_text_input") return false;
  return (element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]).includes(when);
}

/** Tell the bot of a choice or a text at once, as Slack does where a block asks for it. */
function dispatch({ block_id, element }: InputBlock, filled: Filled, values: Json): void {
  const told = element.type === "plain_text_input" ? { value: filled || null } : { selected_option: filled };
  const action = { type: element.type, action_id: element.action_id, block_id, ...told };
  void act("press_in_view", { view: "modal", action, values });
}

function initial({ element }: InputBlock): Filled {
  return element.initial_option ?? element.initial_value ?? null;
}

/** The values in the shape of Slack's `state.values`. */
function stateOf(inputs: InputBlock[], values: Values): Json {
  const state: Json = {};
  for (const { block_id, element } of inputs) {
    const value = values[block_id] || null;
    const filled = element.type === "plain_text_input" ? { value } : { selected_option: value };
    state[block_id] = { [element.action_id]: { type: element.type, ...filled } };
  }
  return state;
}
