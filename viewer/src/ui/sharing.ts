import { texts } from "../texts/page";
import { action, el } from "./dom";
import type { Filming } from "./filming";

interface Actions {
  readonly copyLink: () => void;
  readonly copyEmbed: () => void;
  readonly savePicture: () => void;
}

/** What can be taken along: a link, the code for another page, a picture, a film. */
export class Sharing {
  readonly element: HTMLElement;

  constructor(
    actions: Actions,
    private readonly filming: Filming,
  ) {
    const { sharing: words } = texts;
    this.element = el(
      "section",
      { class: "aside-panel panel glass", "aria-label": words.name, hidden: true },
      el("h2", {}, words.name),
      el("p", {}, words.hint),
      el("div", { class: "actions column" }, action(words.link, actions.copyLink), action(words.embed, actions.copyEmbed), action(words.picture, actions.savePicture), filming.opener),
      filming.element,
    );
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  toggle(active: boolean): void {
    this.element.hidden = !active;
    if (!active) this.filming.stop();
  }
}
