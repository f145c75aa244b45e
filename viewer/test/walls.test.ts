import { describe, expect, test } from "vitest";
import { readWalls, type WallGrid } from "../src/walls";

const grid = (tops: string): WallGrid => ({ origin: [0, 0], cell: 1, columns: 2, rows: 2, level: 0.1, tops });

/** As Python's zlib and base64 pack it. */
async function packed(...values: number[]): Promise<string> {
  const stream = new Blob([Uint8Array.from(values)]).stream().pipeThrough(new CompressionStream("deflate"));
  return btoa(String.fromCharCode(...new Uint8Array(await new Response(stream).arrayBuffer())));
}

describe("the map of walls", () => {
  test("says where one stands, and that nothing is outside", async () => {
    const walls = (await readWalls(grid(await packed(0, 5, 255, 0))))!;
    expect(walls.above(0.5, 0.5)).toBe(0);
    expect(walls.above(1.5, 0.5)).toBeCloseTo(0.5);
    expect(walls.above(0.5, 1.5)).toBe(Infinity);
    expect(walls.above(-1, 0)).toBe(0);
  });

  test.each<[string, () => string | Promise<string>]>([
    ["is no base64", () => "%%%"],
    ["is no zlib", () => btoa("nothing of the kind")],
    ["is too short", () => packed(0, 1)],
    ["unpacks to more than it says", () => packed(...Array<number>(50_000).fill(0))],
  ])("that %s is left out", async (_, tops) => {
    expect(await readWalls(grid(await tops()))).toBeNull();
  });
});
