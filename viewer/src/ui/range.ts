import { clamp, lerp } from "../math";
import { el } from "./dom";

/** Steps from one end to the other. */
const STEPS = 200;

export interface RangeWords {
  readonly name: string;
  readonly low: string;
  readonly high: string;
  /** What the range between two limits is called, and what one limit is; null is no limit. */
  readonly range: (low: number | null, high: number | null) => string;
  readonly limit: (value: number | null) => string;
}

type Limit = number | null;

/** A slider with two ends. An end that is all the way out is no limit. */
export class Range {
  private readonly low: HTMLInputElement;
  private readonly high: HTMLInputElement;
  private readonly fill = el("span", { class: "fill" });
  private readonly said = el("span", { class: "figures" });
  readonly element: HTMLElement;
  private ends: readonly [number, number] = [0, 1];
  private limits: readonly [Limit, Limit] = [null, null];

  /** `changed` gets the new limits. */
  constructor(
    private readonly words: RangeWords,
    private readonly changed: (low: Limit, high: Limit) => void,
  ) {
    const thumb = (name: string): HTMLInputElement => el("input", { type: "range", max: String(STEPS), "aria-label": name });
    [this.low, this.high] = [thumb(words.low), thumb(words.high)];
    this.low.addEventListener("input", () => this.moveLow());
    this.high.addEventListener("input", () => this.moveHigh());
    const track = el("div", { class: "track" }, this.fill, this.low, this.high);
    this.element = el("div", { class: "range", role: "group", "aria-label": words.name }, el("span", {}, words.name), this.said, track);
  }

  /** Shows limits on a scale; those beyond its ends are at them. */
  show(ends: readonly [number, number], low: Limit, high: Limit): void {
    [this.ends, this.limits] = [ends, [low, high]];
    const [from, to] = [low === null ? 0 : this.step(low), high === null ? STEPS : this.step(high)];
    [this.low.value, this.high.value] = [String(from), String(to)];
    this.said.textContent = this.words.range(low, high);
    this.low.setAttribute("aria-valuetext", this.words.limit(low));
    this.high.setAttribute("aria-valuetext", this.words.limit(high));
    this.fill.style.left = `${(100 * from) / STEPS}%`;
    this.fill.style.width = `${(100 * (to - from)) / STEPS}%`;
    this.low.classList.toggle("above", from > STEPS / 2); // else it could not be taken hold of under the other
  }

  /** One end stops at the other, which stays exactly where it is. */
  private moveLow(): void {
    const [steps, high] = [this.low.valueAsNumber, this.limits[1]];
    this.changed(steps === 0 ? null : Math.min(this.value(steps), high ?? this.ends[1]), high);
  }

  private moveHigh(): void {
    const [steps, low] = [this.high.valueAsNumber, this.limits[0]];
    this.changed(low, steps === STEPS ? null : Math.max(this.value(steps), low ?? this.ends[0]));
  }

  private value(steps: number): number {
    return lerp(...this.ends, steps / STEPS);
  }

  private step(value: number): number {
    return clamp(Math.round(((value - this.ends[0]) / (this.ends[1] - this.ends[0])) * STEPS), 0, STEPS);
  }
}
