export type Vec2 = readonly [number, number];
export type Vec3 = readonly [number, number, number];
export type Vec4 = readonly [number, number, number, number];

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const sub = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, s: number): Vec3 => [a[0] * s, a[1] * s, a[2] * s];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vec3, b: Vec3): Vec3 => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const length = (a: Vec3): number => Math.hypot(a[0], a[1], a[2]);
export const distance = (a: Vec3, b: Vec3): number => length(sub(a, b));
export const lerp = (a: number, b: number, t: number): number => a + (b - a) * t;
export const mix = (a: Vec3, b: Vec3, t: number): Vec3 => [
  lerp(a[0], b[0], t),
  lerp(a[1], b[1], t),
  lerp(a[2], b[2], t),
];
export const clamp = (x: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, x));
export const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** On the way from a value to another, the first at which something holds; the other where it holds at none of so many steps. */
export function first(from: number, to: number, steps: number, holds: (value: number) => boolean): number {
  const step = (i: number): number => lerp(from, to, i / steps);
  for (let i = 1; i <= steps; i++) if (holds(step(i))) return edge(step(i), step(i - 1), holds);
  return to;
}

/** Between a value at which something holds and one at which it may not: the last at which it does. */
function edge(good: number, bad: number, holds: (value: number) => boolean): number {
  for (let halves = 0; halves < 40; halves++) {
    const middle = (good + bad) / 2;
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** The difference b − a of two angles, in (−π, π]. */
export function turn(a: number, b: number): number {
  const d = (b - a) % (2 * Math.PI);
  if (d > Math.PI) return d - 2 * Math.PI;
  return d <= -Math.PI ? d + 2 * Math.PI : d;
}

/** Slow in, slow out, over t in [0, 1]. */
export const smooth = (t: number): number => t * t * (3 - 2 * t);
