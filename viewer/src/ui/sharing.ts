import { LONG_LINK } from "../limits";
import { texts } from "../texts/page";
import { action, el } from "./dom";
import type { Filming } from "./filming";
import { copy, embedCode, fileName, save } from "./share";

interface Scene {
  readonly title: () => string;
  /** Has the page's address come back to what is seen. */
  readonly note: () => void;
  readonly picture: () => Promise<Blob | null | undefined>;
  readonly say: (words: string) => void;
}

/** What can be taken along: a picture, a film, and of a scene that others can open a link and the code for another page. */
export class Sharing {
  private readonly hint = el("p", {});
  private readonly links = [
    action(texts.sharing.link, () => void this.copyLink()),
    action(texts.sharing.embed, () => void this.copyEmbed()),
  ];
  private readonly picture = action(texts.sharing.picture, () => void this.savePicture());
  /** Whether others can open the scene. */
  private shared = false;
  readonly element: HTMLElement;

  constructor(
    private readonly scene: Scene,
    private readonly filming: Filming,
  ) {
    const { name } = texts.sharing;
    this.element = el(
      "section",
      { class: "sharing aside-panel panel solid", "aria-label": name, hidden: true },
      el("h2", {}, name),
      this.hint,
      el("div", { class: "actions column" }, ...this.links, this.picture, filming.opener),
      filming.element,
    );
  }

  /** Another scene; a file from this computer has no address that anybody else could open. */
  use(shared: boolean): void {
    this.shared = shared;
    this.hint.textContent = shared ? texts.sharing.hint : texts.sharing.onlyHere;
    for (const link of this.links) link.hidden = !shared;
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
    if (!this.shared) return this.scene.say(texts.sharing.onlyHere); // by key
    this.scene.note();
    const { length } = location.href;
    const copied = length > LONG_LINK ? texts.linkIsLong(length) : texts.linkCopied;
    this.scene.say((await copy(location.href)) ? copied : texts.linkInAddress);
  }

  /** Copies the code that puts the scene into another page. */
  private async copyEmbed(): Promise<void> {
    this.scene.note();
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
}
