import { texts } from "../texts/page";
import { el } from "./dom";

/** Between two changes of what is shown: for each the browser puts the page together anew, which takes a software renderer long. */
const EVERY_MS = 250;

/** A thin bar and a line of words: what is loading, and how much of it is here. */
export class Progress {
  private readonly words = el("span", {});
  private readonly amount = el("span", { class: "amount" });
  private readonly bar = el("progress", { max: "1", "aria-label": texts.loading });
  readonly element = el(
    "div",
    { class: "progress solid", hidden: true },
    el("p", {}, this.words, this.amount),
    this.bar,
  );
  /** What is known and not shown yet, and when it will be. */
  private latest: readonly [number, number | null] = [0, null];
  private timer = 0;
  private shownAt = -Infinity;

  /** A stage of unknown length. */
  say(words: string): void {
    this.forget();
    this.words.textContent = words;
    this.amount.textContent = "";
    this.bar.removeAttribute("value");
    this.element.hidden = false;
  }

  /** All is here. The bar stands still: the picture that is waited for is drawn by the same renderer. */
  finishing(words: string): void {
    this.say(words);
    this.bar.value = 1;
  }

  loading(done: number, total: number | null): void {
    this.latest = [done, total];
    this.timer ||= setTimeout(() => this.show(), Math.max(0, this.shownAt + EVERY_MS - performance.now()));
  }

  done(): void {
    this.forget();
    this.element.hidden = true;
  }

  private show(): void {
    this.forget();
    this.shownAt = performance.now();
    const [done, total] = this.latest;
    this.words.textContent = texts.loading;
    this.amount.textContent = texts.progress(done, total);
    if (total) this.bar.value = done / total;
    else this.bar.removeAttribute("value");
    this.element.hidden = false;
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.timer = 0;
  }
}
