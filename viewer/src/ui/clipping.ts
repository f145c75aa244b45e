import type { Vec3 } from "../math";
import { texts } from "../texts/page";
import { type Box, corners, cutsNothing, EDGES, EVERYTHING, type Limits, MAX_TURN, reach } from "../tools/clip";
import { action, el, shape } from "./dom";
import { line, type Project } from "./overlay";
import { Range } from "./range";

/** The sliders go so much further than the scene: its bounds leave out what is strayed. */
const BEYOND = 1.1;

/** The clip box: a slider with two ends for each of its axes, its turn, and its edges over the scene. */
export class Clipping {
  readonly edges = shape("svg", { class: "overlay edges", "aria-hidden": "true" });
  box = EVERYTHING;
  private metric = false;
  /** The middle of the scene, and half of its sides. */
  private about: Vec3 = [0, 0, 0];
  private half: Vec3 = [1, 1, 1];
  private readonly ranges = texts.clip.axes.map((name, axis) => new Range(this.words(name), (low, high) => this.limit(axis, low, high)));
  private readonly turn = el("input", { type: "range", min: String(-MAX_TURN), max: String(MAX_TURN), step: "1" });
  private readonly turned = el("span", { class: "figures" });
  readonly element = el(
    "section",
    { class: "clipping aside-panel panel solid", "aria-label": texts.clip.panel, hidden: true },
    el("h2", {}, texts.clip.panel),
    el("p", {}, texts.clip.hint),
    ...this.ranges.map(({ element }) => element),
    el("label", { class: "range" }, el("span", {}, texts.clip.turn), this.turned, el("div", { class: "track" }, this.turn)),
    el("div", { class: "actions" }, action(texts.clip.reset, () => this.set(EVERYTHING))),
  );

  /** `redraw` draws the edges anew; `changed`: another part of the scene is to be drawn as well. */
  constructor(private readonly actions: { readonly redraw: () => void; readonly changed: () => void }) {
    this.turn.addEventListener("input", () => this.set({ ...this.box, turn: this.turn.valueAsNumber }));
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  /** Whether something is cut away. */
  get cuts(): boolean {
    return !cutsNothing(this.box);
  }

  toggle(active: boolean): void {
    this.element.hidden = !active;
    this.actions.redraw();
  }

  /** Another scene, whose bounds are the sliders' ends. */
  use(box: Box | null, min: Vec3, max: Vec3, metric: boolean): void {
    this.metric = metric;
    this.about = min.map((low, axis) => (low + max[axis]!) / 2) as unknown as Vec3;
    this.half = min.map((low, axis) => Math.max(((max[axis]! - low) / 2) * BEYOND, 1e-3)) as unknown as Vec3;
    this.element.hidden = true;
    this.show(box ?? EVERYTHING);
  }

  /** Where the box is turned about. */
  get middle(): Vec3 {
    return this.about;
  }

  draw(project: Project): void {
    const points = this.active ? this.corners().map(project) : [];
    const lines = EDGES.flatMap(([from, to]) => (points[from] && points[to] ? [line(points[from], points[to], "edge")] : []));
    this.edges.replaceChildren(...lines);
  }

  private set(box: Box): void {
    this.show(box);
    this.actions.changed();
  }

  private show(box: Box): void {
    this.box = box;
    this.ranges.forEach((range, axis) => range.show(this.ends(axis), box.low[axis]!, box.high[axis]!));
    this.turn.value = String(box.turn);
    this.turned.textContent = texts.clip.degrees(box.turn);
  }

  private limit(axis: number, low: number | null, high: number | null): void {
    const [lows, highs] = [this.box.low, this.box.high].map((limits) => [...limits]) as [(number | null)[], (number | null)[]];
    [lows[axis], highs[axis]] = [low, high];
    this.set({ ...this.box, low: lows as unknown as Limits, high: highs as unknown as Limits });
  }

  private ends(axis: number): [number, number] {
    const half = reach(this.half, this.box.turn)[axis]!;
    return [this.about[axis]! - half, this.about[axis]! + half];
  }

  private corners(): readonly Vec3[] {
    const { low, high, turn } = this.box;
    const limits = (of: Limits, end: 0 | 1): Vec3 => of.map((limit, axis) => limit ?? this.ends(axis)[end]) as unknown as Vec3;
    return corners(limits(low, 0), limits(high, 1), turn, this.about);
  }

  private words(name: string): ConstructorParameters<typeof Range>[0] {
    const { clip, measure } = texts;
    const say = (value: number): string => measure.length(value, this.metric ? measure.metre : measure.unit);
    return {
      name,
      low: clip.from(name),
      high: clip.to(name),
      range: (low, high) => clip.range(low === null ? null : say(low), high === null ? null : say(high)),
      limit: (value) => (value === null ? clip.noLimit : say(value)),
    };
  }
}
