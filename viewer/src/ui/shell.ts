import { fromAddress } from "../address";
import type { ViewerError } from "../errors";
import type { Immersive } from "../headset";
import type { Manifest } from "../manifest";
import type { ModeName } from "../modes/mode";
import { texts } from "../texts/page";
import { Card } from "./card";
import { byFinger, el } from "./dom";
import { isTyping } from "../input";
import { Help } from "./help";
import { Pad } from "./pad";
import { panel } from "./panel";
import { Progress } from "./progress";
import { Toolbar } from "./toolbar";
import { TOOL_KEYS, type ToolName, TOOLS } from "./tools";

/** The page in a frame, as Slack's Work Objects and embed codes ask for it. */
export const isEmbedded = (): boolean => new URLSearchParams(location.search).get("embed") === "1";

export function withoutEmbed(address: string): string {
  const url = new URL(address);
  url.searchParams.delete("embed");
  return url.href;
}

const HINT_MS = 4500;

export interface Actions {
  readonly setMode: (mode: ModeName) => void;
  readonly home: () => void;
  readonly immerse: () => void;
  readonly quicken: (steps: 1 | -1) => void;
  readonly useTool: (name: ToolName) => void;
  readonly copyLink: () => void;
  readonly openFile: (file: File) => void;
  readonly pad: (right: number, ahead: number) => void;
}

/** Everything around the canvas. It knows no engine: the page is there before the engine arrives. */
export class Shell {
  readonly canvas = el("canvas", { tabindex: "0", role: "application", "aria-label": texts.canvas });
  readonly progress = new Progress();
  /** The bot's page brings it along, so that it is there before this script. */
  private readonly poster = document.querySelector<HTMLImageElement>("img.poster") ?? el("img", { class: "poster", alt: texts.posterAlt, hidden: true });
  private readonly title = el("header", { class: "title" });
  private readonly hint = el("p", { class: "hint", role: "status" });
  private readonly help = new Help();
  private readonly card: Card;
  private readonly pad: Pad;
  private readonly toolbar: Toolbar;
  private hintTimer = 0;
  /** The tool whose panel the hint goes with. */
  private hintOf: ToolName | null = null;

  constructor(private readonly actions: Actions) {
    this.card = new Card(actions.openFile);
    this.pad = new Pad(actions.pad);
    this.toolbar = new Toolbar({ ...actions, help: () => this.help.toggle() });
    this.toolbar.element.hidden = true;
    if (isEmbedded()) this.title.hidden = true;
    const foot = el("div", { class: "foot" }, this.hint, this.progress.element, this.toolbar.element);
    const drop = el("div", { class: "drop", "aria-hidden": "true" }, texts.dropHere);
    document.body.append(this.poster, this.canvas, this.pad.element, this.title, foot, this.card.element, this.help.element, drop);
    if (isEmbedded()) this.embed();
    this.poster.addEventListener("error", () => (this.poster.hidden = true)); // a nicety: its absence is no error
    this.poster.addEventListener("load", () => this.compare());
    this.listenForDrops();
    addEventListener("keydown", (event) => this.key(event));
    this.toolbar.element.addEventListener("click", ({ detail }) => this.giveBack(detail > 0), true);
  }

  /** After a click keys go on in the scene, where Enter and the arrows count; who came to a button by key stays there. */
  private giveBack(clicked: boolean): void {
    if (clicked) this.canvas.focus({ preventScroll: true });
  }

  /** In another page's frame there is room for little, and that page has the title: the rest is one click away. */
  private embed(): void {
    document.body.classList.add("embed");
    const link = el("a", { class: "full solid", target: "_blank", rel: "noopener" }, texts.openFull);
    const full = (): void => void (link.href = withoutEmbed(location.href));
    full();
    for (const event of ["pointerenter", "focus", "click"]) link.addEventListener(event, full); // the place may have changed
    document.body.append(el("nav", { "aria-label": texts.openFull }, link));
  }

  /** A scene begins to load: poster and title at once. */
  begin(title: string, thumbnail: URL | null): void {
    this.card.hide();
    document.body.classList.remove("live");
    document.title = texts.documentTitle(title);
    this.title.replaceChildren(el("div", { class: "panel solid" }, el("h1", {}, title)));
    this.poster.hidden = thumbnail === null;
    if (thumbnail && this.poster.src !== thumbnail.href) this.poster.src = thumbnail.href;
    this.compare();
  }

  /**
   * A poster of our jobs is twice as wide as high, and is what is drawn first, unless the link names another place. What
   * is not is blurred, but not before that is known: compiling a blur keeps a software renderer from all else.
   */
  private compare(): void {
    const { naturalWidth, naturalHeight } = this.poster;
    const exact = naturalWidth === 2 * naturalHeight && fromAddress(location.hash).place === null;
    this.poster.classList.toggle("exact", naturalWidth > 0 && exact);
    this.poster.classList.toggle("rough", naturalWidth > 0 && !exact);
  }

  /** The first Gaussians are on the screen. */
  live(mode: ModeName): void {
    if (document.body.classList.contains("live")) return;
    document.body.classList.add("live");
    this.toolbar.element.hidden = false;
    this.showMode(mode);
  }

  describe(title: string, manifest: Manifest | null, gaussians: number): void {
    this.title.replaceChildren(panel(title, manifest, gaussians));
  }

  showMode(mode: ModeName): void {
    this.toolbar.show(mode);
    this.pad.hidden = mode === "orbit" || mode === "topdown";
    this.say((byFinger() ? texts.touchHints : texts.hints)[mode]);
  }

  /** Lays the tools beside the scene: their panels, and what they draw over the picture. */
  lay(panels: readonly HTMLElement[], ...over: readonly Element[]): void {
    this.canvas.after(...over);
    this.title.after(...panels);
  }

  showTool(name: ToolName, active: boolean): void {
    this.toolbar.showTool(name, active);
    if (!active && name === this.hintOf) this.hush();
  }

  offerTool(name: ToolName, offered: boolean): void {
    this.toolbar.offerTool(name, offered);
  }

  markTool(name: ToolName, working: boolean): void {
    this.toolbar.markTool(name, working);
  }

  offerHeadset(kind: Immersive | null): void {
    this.toolbar.offerHeadset(kind);
  }

  showHeadset(worn: boolean): void {
    this.toolbar.showHeadset(worn);
  }

  welcome(): void {
    document.title = texts.documentTitle(texts.untitled);
    this.card.welcome();
  }

  fail(error: ViewerError): void {
    this.progress.done();
    this.card.error(error);
  }

  /** Tells something for a moment, at most until a tool's panel is closed. */
  say(words: string, tool: ToolName | null = null): void {
    this.hint.textContent = words;
    this.hint.classList.add("shown");
    this.hintOf = tool;
    clearTimeout(this.hintTimer);
    this.hintTimer = setTimeout(() => this.hush(), HINT_MS);
  }

  private hush(): void {
    this.hint.classList.remove("shown");
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || this.toolbar.element.hidden) return;
    const key = event.key.toLowerCase();
    const tool = TOOLS.find((name) => TOOL_KEYS[name] === key);
    if (tool) this.actions.useTool(tool);
    else if (key === "?") this.help.toggle();
    else if (key === "h") this.actions.home();
    else if (key === "+" || key === "=") this.actions.quicken(1); // the same key where + takes Shift
    else if (key === "-") this.actions.quicken(-1);
    else if (key === "v") this.actions.immerse();
    else if (key === "c") this.actions.copyLink();
    else if (/^[1-4]$/.test(event.key)) this.actions.setMode((["orbit", "fly", "walk", "topdown"] as const)[Number(event.key) - 1]!);
  }

  private listenForDrops(): void {
    addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dragging");
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dragging");
      const file = event.dataTransfer?.files[0];
      if (file) this.actions.openFile(file);
    });
  }
}
