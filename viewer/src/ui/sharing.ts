import { LONG_LINK } from "../limits";
import { texts } from "../texts/page";
import { action, el } from "./dom";
import type { Filming } from "./filming";
import { copy, embedCode, fileName, save } from "./share";

interface Scene {
  readonly title: () => string;
  /** Has the page's address come back to what is seen; whether others can open the scene with it. */
  readonly address: () => boolean;
  readonly picture: () => Promise<Blob | null | undefined>;
  readonly say: (words: string) => void;
}

/** What can be taken along: a link, the code for another page, a picture, a film. */
export class Sharing {
  readonly element: HTMLElement;

  constructor(
    private readonly scene: Scene,
    private readonly filming: Filming,
  ) {
    const { sharing: words } = texts;
    const actions = [
      action(words.link, () => void this.copyLink()),
      action(words.embed, () => void this.copyEmbed()),
      action(words.picture, () => void this.savePicture()),
    ];
    this.element = el(
      "section",
      { class: "sharing aside-panel panel solid", "aria-label": words.name, hidden: true },
      el("h2", {}, words.name),
      el("p", {}, words.hint),
      el("div", { class: "actions column" }, ...actions, filming.opener),
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

  /** Copies the address of the scene as it is seen now. */
  async copyLink(): Promise<void> {
    if (!this.hasAddress()) return;
    const { length } = location.href;
    const copied = length > LONG_LINK ? texts.linkIsLong(length) : texts.linkCopied;
    this.scene.say((await copy(location.href)) ? copied : texts.linkInAddress);
  }

  /** Copies the code that puts the scene into another page. */
  private async copyEmbed(): Promise<void> {
    if (!this.hasAddress()) return;
    const { embedCopied, notCopied } = texts.sharing;
    this.scene.say((await copy(embedCode(location.href, this.scene.title()))) ? embedCopied : notCopied);
  }

  /** Saves what is on the screen, in the canvas's own pixels. */
  private async savePicture(): Promise<void> {
    const picture = await this.scene.picture();
    if (!picture) return;
    save(fileName(this.scene.title(), "png"), picture);
    this.scene.say(texts.sharing.pictureSaved);
  }

  /** Whether others can open the scene; its place is in the address then. */
  private hasAddress(): boolean {
    const has = this.scene.address();
    if (!has) this.scene.say(texts.sharing.onlyHere);
    return has;
  }
}
