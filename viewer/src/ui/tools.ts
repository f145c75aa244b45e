import { isDialogOpen } from "./dom";

/** What can be done with a scene besides moving in it, in the order of the toolbar, and the key of each. */
export const TOOL_KEYS = { measure: "m", pins: "p", clip: "x", photos: "f", share: "l" } as const;
export type ToolName = keyof typeof TOOL_KEYS;
export const TOOLS = Object.keys(TOOL_KEYS) as readonly ToolName[];

/** A panel beside the scene. */
export interface Tool {
  readonly element: HTMLElement;
  readonly active: boolean;
  toggle(active: boolean): void;
}

/** The panels share one place, so that one of them is open at most. */
export class Tools {
  /** `shown` is told which of them is open. */
  constructor(
    private readonly tools: Readonly<Record<ToolName, Tool>>,
    private readonly shown: (name: ToolName, active: boolean) => void,
  ) {
    addEventListener("keydown", (event) => this.escape(event));
  }

  get elements(): readonly HTMLElement[] {
    return TOOLS.map((name) => this.tools[name].element);
  }

  /** The one that is open. */
  get opened(): ToolName | null {
    return TOOLS.find((name) => this.tools[name].active) ?? null;
  }

  toggle(name: ToolName): void {
    this.open(this.tools[name].active ? null : name);
  }

  /** Escape closes what is open, unless it was taken by something in there, which is told of it first. */
  private escape({ key, defaultPrevented }: KeyboardEvent): void {
    if (key === "Escape" && !defaultPrevented && !isDialogOpen()) this.open(null);
  }

  /** Opens one and closes the others; null closes all. */
  open(name: ToolName | null): void {
    for (const each of TOOLS) {
      const tool = this.tools[each];
      if (tool.active !== (each === name)) tool.toggle(each === name);
      this.shown(each, tool.active);
    }
  }
}
