import type { HeightMap } from "./manifest";
import { clamp, lerp } from "./math";

/** The ground's height at a place, world units. Defined everywhere: outside the map its edge goes on. */
export type Ground = (x: number, y: number) => number;

export const flat = (z: number): Ground => () => z;

/** Bilinear interpolation between the four heights around a place. */
export function heightMap({ origin, cell, columns, rows, heights }: HeightMap): Ground {
  const at = (column: number, row: number): number => heights[row * columns + column]!;
  return (x, y) => {
    const u = clamp((x - origin[0]) / cell, 0, columns - 1);
    const v = clamp((y - origin[1]) / cell, 0, rows - 1);
    const [left, low] = [Math.floor(u), Math.floor(v)];
    const [right, high] = [Math.min(left + 1, columns - 1), Math.min(low + 1, rows - 1)];
    const south = lerp(at(left, low), at(right, low), u - left);
    const north = lerp(at(left, high), at(right, high), u - left);
    return lerp(south, north, v - low);
  };
}
