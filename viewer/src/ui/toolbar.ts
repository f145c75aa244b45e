import type { Immersive } from "../headset";
import { MODES, type ModeName } from "../modes/mode";
import { texts } from "../texts/page";
import { el, icon } from "./dom";
import { type ToolName, TOOLS } from "./tools";

const ICONS: Readonly<Record<ModeName | ToolName | "home" | "headset" | "help", string>> = {
  orbit: "M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4M4.500 9A8 8 0 0 1 19 8M19.500 15A8 8 0 0 1 5 16M19.500 4v4.200h-4.200M4.500 20v-4.200h4.200",
  fly: "M3 11l18-7-7 17-3-7zM11 14l4-4",
  walk: "M13 3.500a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3M9 21l2.500-6-2-2.500L11 8l3.500 3H17M11 8L8 9.500 7 12M12 15l2.500 2L15 21",
  topdown: "M9 4L3 6.500v13.500l6-2.500 6 2.500 6-2.500V4l-6 2.500zM9 4v13.500M15 6.500V20",
  home: "M4 11l8-7 8 7M6 9.500V20h12V9.500M10 20v-6h4v6",
  headset: "M4 7.500h16a1.500 1.500 0 0 1 1.500 1.500v7a1.500 1.500 0 0 1-1.500 1.500h-4.200L13.500 14.500h-3L8.200 17.500H4A1.500 1.500 0 0 1 2.500 16V9A1.500 1.500 0 0 1 4 7.500M7.500 10.500v2M16.500 10.500v2",
  measure: "M3 15.500L15.500 3 21 8.500 8.500 21zM7 11.500l2 2M10 8.500l3 3M13 5.500l2 2",
  pins: "M12 21c-1-5-6-6.500-6-11a6 6 0 1 1 12 0c0 4.500-5 6-6 11M12 8a2 2 0 1 0 0 4 2 2 0 0 0 0-4",
  clip: "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
  photos: "M4 8h4l1.500-3h5L16 8h4v11H4zM12 10a3.250 3.250 0 1 0 0 6.500 3.250 3.250 0 0 0 0-6.500",
  share: "M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  help: "M9 9a3 3 0 1 1 4.200 2.750c-.8.400-1.200 1-1.200 1.900v.600M12 17.500v.100",
};

interface Actions {
  readonly setMode: (mode: ModeName) => void;
  readonly home: () => void;
  readonly immerse: () => void;
  readonly useTool: (name: ToolName) => void;
  readonly help: () => void;
}

/** The four ways to move, home, the tools, and help. */
export class Toolbar {
  readonly element: HTMLElement;
  private readonly buttons: Readonly<Record<ModeName, HTMLButtonElement>>;
  private readonly home: HTMLButtonElement;
  private readonly headset: HTMLButtonElement;
  private readonly tools: Readonly<Record<ToolName, HTMLButtonElement>>;

  constructor(actions: Actions) {
    const tools = TOOLS.map((name) => [name, button(texts[name], ICONS[name], () => actions.useTool(name), "aside")] as const);
    this.tools = Object.fromEntries(tools) as Record<ToolName, HTMLButtonElement>;
    const entries = MODES.map((mode) => [mode, button(texts.modes[mode], ICONS[mode], () => actions.setMode(mode))] as const);
    this.buttons = Object.fromEntries(entries) as Record<ModeName, HTMLButtonElement>;
    this.home = button(texts.home, ICONS.home, actions.home);
    this.headset = button(texts.headset["immersive-vr"], ICONS.headset, actions.immerse);
    this.offerHeadset(null);
    this.element = el(
      "nav",
      { class: "toolbar solid", "aria-label": texts.toolbar },
      ...entries.map(([, element]) => element),
      this.home,
      this.headset,
      el("span", { class: "divider" }),
      ...tools.map(([, element]) => element),
      button(texts.help, ICONS.help, actions.help),
    );
  }

  showTool(name: ToolName, active: boolean): void {
    this.tools[name].setAttribute("aria-pressed", String(active));
  }

  /** A tool that this scene has nothing for is not there. */
  offerTool(name: ToolName, offered: boolean): void {
    this.tools[name].hidden = !offered;
  }

  /** Without a headset its button is not there. */
  offerHeadset(kind: Immersive | null): void {
    this.headset.hidden = kind === null;
    if (kind) label(this.headset, texts.headset[kind]);
  }

  showHeadset(worn: boolean): void {
    this.headset.setAttribute("aria-pressed", String(worn));
  }

  /** A tool that is at work also while its panel is closed has a dot. */
  markTool(name: ToolName, working: boolean): void {
    this.tools[name].classList.toggle("working", working);
    this.tools[name].setAttribute("aria-label", working ? texts.working(texts[name].name) : texts[name].name);
  }

  show(mode: ModeName): void {
    for (const name of MODES) this.buttons[name].setAttribute("aria-pressed", String(name === mode));
    label(this.home, mode === "walk" ? texts.walkHome : texts.home);
  }
}

interface Words {
  readonly name: string;
  readonly title: string;
}

function button(words: Words, path: string, act: () => void, kind = ""): HTMLButtonElement {
  const element = el("button", { type: "button", class: kind }, icon(path), el("span", {}));
  label(element, words);
  element.addEventListener("click", act);
  return element;
}

function label(button: HTMLButtonElement, { name, title }: Words): void {
  button.title = title;
  button.setAttribute("aria-label", name);
  button.lastElementChild!.textContent = name;
}
