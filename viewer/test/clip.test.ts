import { describe, expect, test } from "vitest";
import { fromAddress, toAddress } from "../src/address";
import type { Place } from "../src/place";
import { type Box, boxFromText, boxToText, corners, EDGES, EVERYTHING, reach } from "../src/tools/clip";

const place: Place = { mode: "orbit", pose: { position: [1, 2, 3], heading: 0, pitch: 0 } };
const box: Box = { low: [-1.5, null, 0], high: [null, null, 2.25], turn: -30 };

describe("a clip box in an address", () => {
  test("comes back as it was, beside the pins", () => {
    const pins = [{ position: [0, 0, 0] as const, note: "a", link: null }];
    expect(fromAddress(toAddress({ place, pins, box }))).toEqual({ place, pins, box });
  });

  test("is short, and none is nothing", () => {
    expect(boxToText({ ...box, turn: 0 })).toBe("-1.5,,,,0,2.25");
    expect(boxToText(box)).toBe("-1.5,,,,0,2.25,-30");
    expect(toAddress({ place, pins: [], box: EVERYTHING })).not.toContain("clip");
  });

  test.each(["", ",", "1,2,3,4,5", "2,1,,,,", ",,,,NaN,", ",,,,1e99,", ",,,,<b>,", ",,,,,,46", ",,,,,,0.5", ",,,,,,", "1,2,3,4,5,6,7,8", ",,,,0x1,", ",,,, 1,"])(
    "that is “%s” is none",
    (text) => {
      expect(boxFromText(text)).toBeNull();
      expect(fromAddress(`#orbit@1,2,3,0,0&clip=${text}`)).toEqual({ place, pins: [], box: null });
    },
  );
});

describe("the edges of a box", () => {
  test("are twelve, as long as its sides", () => {
    const points = corners([0, 0, 0], [4, 2, 1], 30, [2, 1, 0]);
    const sides = EDGES.map(([a, b]) => Math.hypot(...points[a]!.map((value, axis) => value - points[b]![axis]!)));
    expect(sides.map((side) => Math.round(side * 1e6) / 1e6).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4]);
  });

  test("turn counter-clockwise about the scene's middle", () => {
    const [east] = corners([3, 1, 0], [3, 1, 0], 45, [2, 1, 0]);
    expect(east).toEqual([expect.closeTo(2 + Math.SQRT1_2), expect.closeTo(1 + Math.SQRT1_2), 0]);
  });

  test("go as far as needed to hold the scene when turned", () => {
    expect(reach([3, 1, 5], 0)).toEqual([3, 1, 5]);
    expect(reach([1, 1, 5], 45)).toEqual([expect.closeTo(Math.SQRT2), expect.closeTo(Math.SQRT2), 5]);
  });
});
