import { expect } from "vitest";
import { heightMap } from "../src/ground";
import type { Vec3 } from "../src/math";
import { forward } from "../src/pose";
import type { Rig } from "../src/rig";
import { buildWorld, type World } from "../src/world";

/** A scene on ground that rises to the east, for the tests of moving in it. */
export const slope = heightMap({ origin: [-10, -10], cell: 10, columns: 3, rows: 2, heights: Float32Array.of(0, 0, 5, 0, 0, 5) });
export const world: World = {
  ...buildWorld(null, { min: [-10, -10, 0], max: [10, 10, 5], groundZ: 0 }),
  ground: slope,
  eye: 1.7,
  walkSpeed: 2,
};

/** Two places are the same. */
export const close = (a: Vec3, b: Vec3): void => a.forEach((value, axis) => expect(value).toBeCloseTo(b[axis]!, 5));

/** Where the middle of the picture is on the ground, at a height of 0. */
export function rayHitsGround(rig: Rig): Vec3 {
  const [position, direction] = [rig.shown.position, forward(rig.shown)];
  const along = -position[2] / direction[2];
  return [position[0] + along * direction[0], position[1] + along * direction[1], position[2] + along * direction[2]];
}
