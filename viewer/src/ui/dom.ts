type Attributes = Readonly<Record<string, string | boolean>>;

/** Makes an element. Strings become text nodes, never HTML: names in a manifest are not trusted. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "string") element.setAttribute(name, value);
    else element.toggleAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element of a drawing. */
export function shape<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Readonly<Record<string, string>>): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** An icon of 24 × 24 drawn with strokes; decoration only, so hidden from screen readers. */
export function icon(path: string): SVGSVGElement {
  const svg = shape("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  svg.append(shape("path", { d: path }));
  return svg;
}

/** Whether a dialog is open, which has the keys then. */
export const isDialogOpen = (): boolean => document.querySelector("dialog[open]") !== null;

/** Whether the person points with a finger, which has no keys beside it. */
export const byFinger = (): boolean => matchMedia("(pointer: coarse)").matches;

/** What a tool tells to who points as this person does. */
export const hintOf = (words: { readonly hint: string; readonly touchHint: string }): string => (byFinger() ? words.touchHint : words.hint);

/** A button of a panel. */
export function action(name: string, act: () => void, kind = ""): HTMLButtonElement {
  const button = el("button", { type: "button", class: `quiet ${kind}`.trim() }, name);
  button.addEventListener("click", act);
  return button;
}
