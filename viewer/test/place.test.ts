import { describe, expect, test } from "vitest";
import { fromHash, toHash, type Place } from "../src/place";

const place: Place = { mode: "walk", pose: { position: [1.25, -3500.125, 1.7], heading: 1.5, pitch: -0.25 } };

describe("a place in an address", () => {
  test("comes back as it was, to a hundredth of a degree", () => {
    const again = fromHash(toHash(place))!;
    expect(again.mode).toBe("walk");
    expect(again.pose.position).toEqual(place.pose.position);
    expect(again.pose.heading).toBeCloseTo(1.5, 3);
    expect(again.pose.pitch).toBeCloseTo(-0.25, 3);
  });

  test("is short enough to be read", () => {
    expect(toHash(place)).toBe("#walk@1.25,-3500.125,1.7,85.94,-14.32");
  });

  test.each(["", "#", "#walk", "#walk@1,2,3", "#swim@1,2,3,4,5", "#walk@1,2,3,4,5,6", "#walk@1,2,3,4,NaN", "#walk@1e99,2,3,4,5", "#walk@,,,,", "#walk@<img>", "#walk@1,2,3,4,5<b>"])(
    "that is “%s” is none",
    (hash) => expect(fromHash(hash)).toBeNull(),
  );

  test("never looks further than straight up", () => {
    expect(fromHash("#fly@0,0,0,725,500")!.pose).toEqual({ position: [0, 0, 0], heading: expect.closeTo(0.0873, 3), pitch: Math.PI / 2 });
  });
});
