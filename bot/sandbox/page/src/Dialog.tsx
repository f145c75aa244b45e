import { type FormEvent, useEffect, useState } from "react";
import { act, fetchOptions } from "./api";
import { Blocks } from "./Blocks";
import type { Block, Json, Option, View } from "./types";

/** A modal view: its inputs, and the errors that the bot answered. */
export function Dialog({ view, errors, names }: { view: View; errors: Record<string, string>; names: Record<string, string> }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void act("submit", { values: valuesOf(view, new FormData(event.currentTarget)) });
  };
  const close = () => void act("close_modal");
  return (
    <div className="backdrop" onKeyDown={(event) => event.key === "Escape" && close()}>
      <form className="dialog" role="dialog" aria-label={view.title?.text} data-testid="modal" onSubmit={submit}>
        <h2>{view.title?.text}</h2>
        {errors[""] && <p className="error">{errors[""]}</p>}
        {view.blocks.map((block, index) =>
          block.type === "input" ? (
            <Input key={view.id + index} block={block} error={errors[block.block_id ?? ""]} />
          ) : (
            <Blocks key={index} blocks={[block]} names={names} press={(action) => void act("press_in_view", { view: "modal", action })} />
          ),
        )}
        <footer>
          <button type="button" className="button" onClick={close}>Close</button>
          {view.submit && <button className="button primary" data-testid="modal-submit">{view.submit.text}</button>}
        </footer>
      </form>
    </div>
  );
}

function Input({ block, error }: { block: Block; error: string | undefined }) {
  const name = block.block_id ?? "";
  return (
    <label className="field">
      {block.label?.text} {block.optional && <small>(optional)</small>}
      {block.element?.type === "plain_text_input" ? (
        <input name={name} data-testid={`field-${name}`} />
      ) : (
        <Select block={block} />
      )}
      {error ? <span className="error" role="alert">{error}</span> : <small>{block.hint?.text}</small>}
    </label>
  );
}

function Select({ block }: { block: Block }) {
  const element = block.element;
  const [options, setOptions] = useState<Option[]>(element?.options ?? []);
  const isExternal = element?.type === "external_select";
  const [name, action] = [block.block_id ?? "", element?.action_id ?? ""];
  useEffect(() => {
    if (isExternal) void fetchOptions(name, action, "").then(setOptions);
  }, [isExternal, name, action]);
  return (
    <select name={name} data-testid={`field-${name}`} defaultValue={element?.initial_option?.value ?? ""}>
      {!element?.initial_option && <option value="">{element?.placeholder?.text ?? "Choose"}</option>}
      {options.map((option) => (
        <option key={option.value} value={option.value}>{option.text.text}</option>
      ))}
    </select>
  );
}

/** The values in the shape of Slack's `state.values`. */
function valuesOf(view: View, form: FormData): Json {
  const values: Json = {};
  for (const { block_id, element } of view.blocks) {
    if (!block_id || !element?.action_id) continue;
    const value = String(form.get(block_id) ?? "");
    const filled = element.type === "plain_text_input"
      ? { type: element.type, value: value || null }
      : { type: element.type, selected_option: value ? { value, text: { type: "plain_text", text: value } } : null };
    values[block_id] = { [element.action_id]: filled };
  }
  return values;
}
