import { texts } from "../texts";
import { el } from "./dom";

/** A thin bar and a line of words: what is loading, and how many megabytes of it are here. */
export class Progress {
  private readonly words = el("span", {});
  private readonly amount = el("span", { class: "amount" });
  private readonly bar = el("progress", { max: "1", "aria-label": texts.loading });
  readonly element = el(
    "div",
    { class: "progress glass", hidden: true },
    el("p", {}, this.words, this.amount),
    this.bar,
  );

  /** A stage of unknown length. */
  say(words: string): void {
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
    this.words.textContent = texts.loading;
    this.amount.textContent = texts.progress(done, total);
    if (total) this.bar.value = done / total;
    else this.bar.removeAttribute("value");
    this.element.hidden = false;
  }

  done(): void {
    this.element.hidden = true;
  }
}
