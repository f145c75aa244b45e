import type { ViewerError } from "../errors";
import { clamp } from "../math";
import { texts } from "../texts/page";
import { action, el } from "./dom";

/** How far an arrow key moves it, and a page key, shares of the width. */
const STEP = 0.02;
const PAGE = 0.1;
const KEYS: Readonly<Record<string, (at: number) => number>> = {
  ArrowLeft: (at) => at - STEP,
  ArrowRight: (at) => at + STEP,
  ArrowDown: (at) => at - STEP,
  ArrowUp: (at) => at + STEP,
  PageDown: (at) => at - PAGE,
  PageUp: (at) => at + PAGE,
  Home: () => 0,
  End: () => 1,
};

/** The line between two scenes, which is dragged or moved by key, and the titles at its sides. */
export class Divider {
  private at = 0.5;
  private titles: readonly [string, string] = ["", ""];
  private readonly left = el("span", {});
  private readonly right = el("span", {});
  private readonly handle = el("div", {
    class: "divide",
    role: "slider",
    tabindex: "0",
    title: texts.comparing.title,
    "aria-label": texts.comparing.divider,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  readonly element = el(
    "section",
    { class: "comparing", "aria-label": texts.comparing.name, hidden: true },
    el("p", { class: "caption before" }, this.left),
    el("p", { class: "caption after" }, this.right),
    this.handle,
  );

  /** `moved` is told the share of the width that is left of the line. */
  constructor(private readonly moved: (at: number) => void) {
    this.handle.addEventListener("pointerdown", (event) => this.take(event));
    this.handle.addEventListener("pointermove", (event) => {
      if (this.handle.hasPointerCapture(event.pointerId)) this.move(event.clientX / innerWidth);
    });
    this.handle.addEventListener("keydown", (event) => this.key(event));
  }

  /** Shows it in the middle, between two scenes. */
  show(left: string, right: string): void {
    this.titles = [left, right];
    [this.left.textContent, this.right.textContent] = this.titles;
    this.element.hidden = false;
    this.move(0.5);
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  hide(): void {
    this.element.hidden = true;
  }

  private take(event: PointerEvent): void {
    event.preventDefault(); // the line is no text to be selected
    this.handle.setPointerCapture(event.pointerId);
    this.handle.focus();
  }

  private key(event: KeyboardEvent): void {
    const to = KEYS[event.key];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // the arrows turn the camera elsewhere
    this.move(to(this.at));
  }

  private move(to: number): void {
    this.at = clamp(to, 0, 1);
    const percent = Math.round(100 * this.at);
    this.element.style.setProperty("--at", `${(100 * this.at).toFixed(2)}%`);
    this.handle.setAttribute("aria-valuenow", String(percent));
    this.handle.setAttribute("aria-valuetext", texts.comparing.value(percent, ...this.titles));
    this.moved(this.at);
  }
}

/** A word about the second scene that stays until it is put away; the first one is not covered by it. */
export class Notice {
  private readonly words = el("p", {});
  private readonly heading = el("h2", {});
  readonly element = el(
    "section",
    { class: "aside-panel panel solid", hidden: true },
    this.heading,
    this.words,
    el("div", { class: "actions" }, action(texts.close, () => this.hide())),
  );

  error({ message, hint }: ViewerError): void {
    this.fill("alert", texts.comparing.failed, `${message} ${hint}`);
  }

  say(words: string): void {
    this.fill("status", texts.comparing.note, words);
  }

  hide(): void {
    this.element.hidden = true;
  }

  private fill(role: "alert" | "status", heading: string, words: string): void {
    this.element.setAttribute("role", role);
    [this.heading.textContent, this.words.textContent] = [heading, words];
    this.element.hidden = false;
  }
}
