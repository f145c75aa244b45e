import type { ViewerError } from "../errors";
import { texts } from "../texts/page";
import { byFinger, el } from "./dom";

/** The card in the middle: the welcome without a scene, or what went wrong and what helps. */
export class Card {
  readonly element = el("section", { class: "card solid", hidden: true });
  private readonly chooser = el("input", { type: "file", accept: ".sog,.spz,.splat,.ply", hidden: true });

  constructor(openFile: (file: File) => void) {
    this.chooser.addEventListener("change", () => {
      const file = this.chooser.files?.[0];
      if (file) openFile(file);
      this.chooser.value = ""; // the same file may be chosen again
    });
  }

  welcome(): void {
    this.fill("status", texts.welcome, byFinger() ? texts.welcomeTouchHint : texts.welcomeHint);
  }

  error(error: ViewerError): void {
    this.fill("alert", error.message, error.hint);
  }

  hide(): void {
    this.element.hidden = true;
  }

  private fill(role: "status" | "alert", heading: string, hint: string): void {
    const button = el("button", { type: "button", class: "action" }, texts.chooseFile);
    button.addEventListener("click", () => this.chooser.click());
    this.element.setAttribute("role", role);
    this.element.hidden = false;
    this.element.replaceChildren(el("h2", {}, heading), el("p", {}, hint), button, this.chooser);
  }
}
