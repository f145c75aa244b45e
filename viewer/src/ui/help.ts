import { texts } from "../texts/page";
import { byFinger, el } from "./dom";

/** The list of keys, or of what fingers do: a modal dialog, so that focus, Escape and screen readers work as everywhere. */
export class Help {
  private readonly close = el("button", { type: "button", class: "action" }, texts.close);
  private readonly rows = byFinger() ? texts.touchHelpRows : texts.helpRows;
  readonly element = el(
    "dialog",
    { class: "help solid", "aria-labelledby": "help-title" },
    el("h2", { id: "help-title" }, byFinger() ? texts.touchHelpTitle : texts.helpTitle),
    el("dl", {}, ...this.rows.flatMap(([keys, meaning]) => [el("dt", {}, ...caps(keys)), el("dd", {}, meaning)])),
    this.close,
  );

  constructor() {
    this.close.addEventListener("click", () => this.element.close());
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close(); // the backdrop
    });
  }

  toggle(): void {
    if (this.element.open) return this.element.close();
    this.element.showModal();
    this.element.scrollTop = 0; // the focus is at the end of the list
  }
}

const caps = (keys: string): HTMLElement[] =>
  keys.includes(",") || /^[A-Z][a-z]/.test(keys) ? [el("kbd", {}, keys)] : keys.split(" ").map((key) => el("kbd", {}, key));
