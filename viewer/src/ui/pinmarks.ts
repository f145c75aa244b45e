import type { Vec2 } from "../math";
import { BESIDE, type Label, labels } from "../tools/labels";
import type { Pin } from "../tools/pins";
import { shape } from "./dom";
import type { Project } from "./overlay";

/** A head on a point, which is at the origin. */
const OUTLINE = "M0 0C-3 -8 -10 -11 -10 -20a10 10 0 1 1 20 0C10 -11 3 -8 0 0z";
/** The middle of the head above the point, and how far from it a tap still hits, CSS pixels. */
const HEAD = 20;
const REACH = 18;

/** The pins, drawn over the scene: a number each, and the beginning of the note. */
export class PinMarks {
  readonly element = shape("svg", { class: "overlay", "aria-hidden": "true" });
  private points: readonly (Vec2 | null)[] = [];

  draw(pins: readonly Pin[], chosen: number | null, project: Project): void {
    this.points = pins.map(({ position }) => project(position));
    const beside = labels(pins.map(({ note }) => note), this.points, innerWidth);
    const marks = this.points.flatMap((point, i) => (point ? [mark(point, i, beside[i]!, i === chosen)] : []));
    this.element.replaceChildren(...marks);
  }

  /** The pin at a place of the screen; the last of several, which is drawn over the others. */
  at([x, y]: Vec2): number | null {
    const found = this.points.findLastIndex((point) => point !== null && Math.hypot(x - point[0], y - point[1] + HEAD) < REACH);
    return found < 0 ? null : found;
  }
}

function mark([x, y]: Vec2, index: number, { text, turned }: Label, chosen: boolean): SVGElement {
  const group = shape("g", { class: chosen ? "pin chosen" : "pin", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` });
  group.append(shape("path", { d: OUTLINE }), words(String(index + 1), "number", 0));
  group.append(turned ? words(text, "label left", -BESIDE) : words(text, "label", BESIDE));
  return group;
}

function words(text: string, kind: string, x: number): SVGElement {
  const element = shape("text", { class: kind, x: String(x), y: String(-HEAD), dy: "0.35em" });
  element.textContent = text;
  return element;
}
