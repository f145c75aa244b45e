import { MAX_COORDINATE } from "../limits";
import type { Vec2, Vec3 } from "../math";

/** A limit along each axis of a box; null where there is none. */
export type Limits = readonly [number | null, number | null, number | null];

/**
 * What is outside is not drawn. World units; the box stands upright and is turned counter-clockwise, seen from above, by
 * whole degrees about the vertical through the scene's middle. Its limits are along its own axes, which without a turn are the world's.
 */
export interface Box {
  readonly low: Limits;
  readonly high: Limits;
  readonly turn: number;
}

/** The box that leaves everything. */
export const EVERYTHING: Box = { low: [null, null, null], high: [null, null, null], turn: 0 };

/** The farthest that a box is turned either way: further it is one of another shape. */
export const MAX_TURN = 45;

export const cutsNothing = ({ low, high }: Box): boolean => [...low, ...high].every((limit) => limit === null);

/** As a part of an address: lower and upper limits of x, y and z, empty where there is none, and the turn. */
export function boxToText({ low, high, turn }: Box): string {
  const limits = low.flatMap((limit, axis) => [limit, high[axis]!]);
  return [...limits.map((limit) => (limit === null ? "" : Number(limit.toPrecision(7)))), ...(turn === 0 ? [] : [turn])].join(",");
}

/** Reads what `boxToText` writes; null where it is anything else. */
export function boxFromText(text: string): Box | null {
  const numbers = text.split(",", 8).map((each) => (each === "" ? null : /^[-+.e\d]{1,24}$/.test(each) ? Number(each) : NaN));
  const [x0 = null, x1 = null, y0 = null, y1 = null, z0 = null, z1 = null, turn = 0] = numbers;
  const pairs = [[x0, x1], [y0, y1], [z0, z1]] as const;
  const ordered = pairs.every(([low, high]) => low === null || high === null || low <= high);
  const sensible = numbers.every((value) => value === null || Math.abs(value) <= MAX_COORDINATE);
  const turned = turn !== null && Number.isInteger(turn) && Math.abs(turn) <= MAX_TURN;
  if (numbers.length < 6 || numbers.length > 7 || !ordered || !sensible || !turned) return null;
  return { low: [x0, y0, z0], high: [x1, y1, z1], turn };
}

/** Half of the sides, along the box's own axes, of the smallest box of a turn that holds one without a turn. */
export function reach([x, y, z]: Vec3, turn: number): Vec3 {
  const [cos, sin] = direction(turn).map(Math.abs) as [number, number];
  return [x * cos + y * sin, x * sin + y * cos, z];
}

/** Cosine and sine of a turn in degrees. */
export const direction = (turn: number): Vec2 => [Math.cos((turn * Math.PI) / 180), Math.sin((turn * Math.PI) / 180)];

/** The eight corners in the world, those with a common edge one bit of their number apart. */
export function corners(low: Vec3, high: Vec3, turn: number, about: Vec3): readonly Vec3[] {
  const [cos, sin] = direction(turn);
  return Array.from({ length: 8 }, (_, i) => {
    const [x, y, z] = [0, 1, 2].map((axis) => (i & (1 << axis) ? high : low)[axis]!) as unknown as Vec3;
    const [right, ahead] = [x - about[0], y - about[1]];
    return [about[0] + right * cos - ahead * sin, about[1] + right * sin + ahead * cos, z];
  });
}

/** Pairs of corners with an edge between them. */
export const EDGES: readonly Vec2[] = [0, 1, 2].flatMap((axis) =>
  Array.from({ length: 8 }, (_, i) => i).filter((i) => !(i & (1 << axis))).map((i) => [i, i | (1 << axis)] as const),
);
