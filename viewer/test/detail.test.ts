import { describe, expect, test } from "vitest";
import { gaussiansFor, MAX_GAUSSIANS } from "../src/limits";
import { Detail } from "../src/scene/detail";

const SUMS = [50_000, 200_000, 600_000, 1_000_000];

const after = (ms: number, gaussians: number): number => {
  const detail = new Detail();
  for (let i = 0; i < 20; i++) detail.measured(ms, gaussians);
  return detail.levels(SUMS);
};

describe("the levels drawn in motion", () => {
  test("are all of them before anything is known, and on a graphics card", () => {
    expect(new Detail().levels(SUMS)).toBe(4);
    expect(after(18, 1_000_000)).toBe(4);
    expect(after(22, 50_000)).toBe(4); // a frame's end is noticed a turn of the page late
  });

  test("are as many as a slow renderer can bear", () => {
    expect(after(300, 1_000_000)).toBe(2);
    expect(after(900, 1_000_000)).toBe(1);
  });

  test("are never none", () => {
    expect(after(10_000, 50_000)).toBe(1);
  });
});

test.each([
  [{ memoryGb: 8, phone: false }, MAX_GAUSSIANS],
  [{ memoryGb: null, phone: false }, MAX_GAUSSIANS],
  [{ memoryGb: 2, phone: false }, 1_500_000],
  [{ memoryGb: null, phone: true }, 800_000],
  [{ memoryGb: 2, phone: true }, 300_000],
])("a device %j is asked to draw at most %i Gaussians", (device, most) => {
  expect(gaussiansFor(device)).toBe(most);
});
