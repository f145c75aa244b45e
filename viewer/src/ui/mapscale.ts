import type { Pose } from "../pose";
import { texts } from "../texts/page";
import { el, shape } from "./dom";

/** The longest that the bar gets, CSS pixels. */
const LONGEST = 120;

/** A round length for a scale bar: 1, 2 or 5 times a power of ten, at most `longest`. */
export function roundLength(longest: number): number {
  const power = 10 ** Math.floor(Math.log10(longest));
  return power * ([5, 2].find((factor) => factor * power <= longest) ?? 1);
}

/** What a map has in its corner: a bar of known length, and where north is if that is known. */
export class MapScale {
  private readonly bar = el("span", { class: "bar" });
  private readonly length = el("span", {});
  private readonly arrow = shape("svg", { class: "north", viewBox: "0 0 24 24" });
  private readonly drawing = el("div", { class: "drawing", role: "img" });
  readonly element = el("section", { class: "mapscale solid", "aria-label": texts.mapScale.name, hidden: true }, this.drawing);
  private metric = false;
  private hasNorth = false;

  constructor() {
    this.arrow.append(shape("path", { d: "M12 3l6 17-6-4-6 4z" }));
    const bar = el("div", { class: "length" }, this.length, this.bar);
    this.drawing.append(bar, this.arrow);
  }

  /** Whether lengths are metres, and whether the scene's y axis points north. */
  use(metric: boolean, hasNorth: boolean): void {
    [this.metric, this.hasNorth] = [metric, hasNorth];
    this.arrow.toggleAttribute("hidden", !hasNorth);
  }

  /** Shows the scale of a picture from above in which a CSS pixel is `pixel` units; null hides it. */
  show(pose: Pose, pixel: number | null): void {
    this.element.hidden = pixel === null;
    if (pixel === null) return;
    const length = roundLength(LONGEST * pixel);
    const words = texts.mapScale.length(length, this.metric ? texts.measure.metre : texts.measure.unit);
    this.bar.style.width = `${(length / pixel).toFixed(1)}px`;
    this.length.textContent = words;
    this.arrow.style.transform = `rotate(${-pose.heading}rad)`;
    this.drawing.setAttribute("aria-label", texts.mapScale.label(words, this.hasNorth ? pose.heading : null));
  }
}
