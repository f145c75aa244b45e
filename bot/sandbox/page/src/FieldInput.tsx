import { useEffect, useId, useState } from "react";
import { fetchOptions } from "./api";
import type { InputBlock, Option } from "./types";

/** What is filled in: a text, or a chosen option. */
export type Filled = string | Option | null;

interface Props {
  block: InputBlock;
  value: Filled;
  error: string | undefined;
  fill: (value: Filled) => void;
  /** What Enter does in a text; without it, it sends the dialog. */
  enter?: (() => void) | undefined;
}

/** An input with its label, hint and error. */
export function FieldInput({ block, value, error, fill, enter }: Props) {
  const id = useId();
  return (
    <div className={error ? "field wrong" : "field"}>
      <label htmlFor={id}>
        {block.label.text} {block.optional && <small>(optional)</small>}
      </label>
      <Control id={id} block={block} value={value} fill={fill} enter={enter} />
      {enter && <small>Press Enter to submit this field</small>}
      {error ? <p className="error" role="alert">{error}</p> : block.hint && <small>{block.hint.text}</small>}
    </div>
  );
}

type ControlProps = Omit<Props, "error"> & { id: string };

function Control({ id, block, value, fill, enter }: ControlProps) {
  const { element, block_id } = block;
  const testId = `field-${block_id}`;
  const placeholder = element.placeholder?.text;
  if (element.type === "external_select") return <Suggestions id={id} block={block} value={value} fill={fill} />;
  if (element.type === "static_select") {
    const options = element.options ?? [];
    const chosen = typeof value === "object" ? value?.value : "";
    return (
      <select id={id} data-testid={testId} value={chosen ?? ""}
              onChange={(event) => fill(options.find((o) => o.value === event.target.value) ?? null)}>
        {!element.initial_option && <option value="">{placeholder ?? "Choose"}</option>}
        {options.map((option) => <option key={option.value} value={option.value}>{option.text.text}</option>)}
      </select>
    );
  }
  const text = typeof value === "string" ? value : "";
  return (
    <input id={id} data-testid={testId} placeholder={placeholder} value={text} autoComplete="off"
           onChange={(event) => fill(event.target.value)}
           onKeyDown={(event) => { if (enter && event.key === "Enter") { event.preventDefault(); enter(); } }} />
  );
}

/** A select whose options the bot suggests while one types. */
function Suggestions({ id, block, value, fill }: ControlProps) {
  const { block_id, element } = block;
  const chosen = value && typeof value === "object" ? value.text.text : "";
  const [typed, setTyped] = useState<string | null>(null);
  const [options, setOptions] = useState<Option[]>([]);
  const [at, setAt] = useState(0);
  const isOpen = typed !== null;
  useEffect(() => {
    if (typed === null) return;
    let isStale = false;
    void fetchOptions(block_id, element.action_id, typed).then((found) => {
      if (!isStale) { setOptions(found); setAt(0); }
    });
    return () => { isStale = true; };
  }, [typed, block_id, element.action_id]);
  const choose = (option: Option | undefined) => { if (option) fill(option); setTyped(null); };
  const onKey = (event: React.KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) setAt((at + (steps[event.key] ?? 0) + options.length) % Math.max(options.length, 1));
    else if (event.key === "Enter" && isOpen) choose(options[at]);
    else if (event.key === "Escape" && isOpen) setTyped(null);
    else return;
    if (!isOpen) setTyped("");
    event.preventDefault();
  };
  return (
    <div className="combobox">
      <input id={id} role="combobox" aria-expanded={isOpen} aria-controls={`${id}-list`} autoComplete="off"
             data-testid={`field-${block_id}`} placeholder={element.placeholder?.text}
             value={typed ?? chosen} onClick={() => setTyped(typed ?? "")}
             onBlur={() => setTyped(null)} onChange={(event) => setTyped(event.target.value)} onKeyDown={onKey} />
      {isOpen && (
        <ul id={`${id}-list`} role="listbox" className="popup">
          {options.map((option, place) => (
            <li key={option.value} role="option" aria-selected={place === at} data-testid="option"
                onMouseDown={(event) => { event.preventDefault(); choose(option); }} onMouseEnter={() => setAt(place)}>
              {option.text.text}
            </li>
          ))}
          {!options.length && <li className="none">Nothing found</li>}
        </ul>
      )}
    </div>
  );
}
