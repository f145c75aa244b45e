import type { Vec2, Vec3 } from "../math";
import { el, shape } from "./dom";

/** Where a place of the world is on the screen; null behind the camera. */
export type Project = (place: Vec3) => Vec2 | null;

/** Where the next place goes when it is set by key: a ring in the middle. */
export const crosshair = (): HTMLElement => el("div", { class: "aim", "aria-hidden": "true", hidden: true });

/** The line being measured, drawn over the scene: dots at its places, and lines between those that are in front. */
export class Overlay {
  readonly element = shape("svg", { class: "overlay", "aria-hidden": "true" });
  readonly aim = crosshair();

  draw(places: readonly Vec3[], project: Project): void {
    const dots = places.map(project);
    const lines = dots.slice(1).flatMap((to, i) => (to && dots[i] ? [line(dots[i], to)] : []));
    const [first, last] = [dots[0], dots.at(-1)];
    if (dots.length > 2 && first && last) lines.push(line(last, first, "closing"));
    this.element.replaceChildren(...lines, ...dots.flatMap((dot) => (dot ? [point(dot)] : [])));
  }
}

const point = ([x, y]: Vec2): SVGElement => shape("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: "5" });

/** A line between two places of the screen. */
export const line = (from: Vec2, to: Vec2, kind = ""): SVGElement =>
  shape("line", { class: kind, x1: from[0].toFixed(1), y1: from[1].toFixed(1), x2: to[0].toFixed(1), y2: to[1].toFixed(1) });
