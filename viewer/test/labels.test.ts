import { describe, expect, test } from "vitest";
import type { Vec2 } from "../src/math";
import { labels } from "../src/tools/labels";

const shown = (notes: readonly string[], points: readonly (Vec2 | null)[], width = 1000): readonly string[] =>
  labels(notes, points, width).map(({ text, turned }) => (turned ? `${text} <` : text));

describe("the label of a pin", () => {
  test("is right of it, and left where only there is room", () => {
    expect(shown(["Pond", "Gate"], [[100, 50], [980, 200]])).toEqual(["Pond", "Gate <"]);
  });

  test("is cut where neither side has room for all of it, and at 32 characters", () => {
    expect(shown(["Carport, 3 m wide"], [[60, 50]], 160)).toEqual(["Carport,…"]);
    expect(shown(["x".repeat(40)], [[100, 50]])).toEqual([`${"x".repeat(31)}…`]);
  });

  test("does not go over another pin, nor over the label of one", () => {
    expect(shown(["Table for eight", "Tap"], [[60, 50], [200, 55]])).toEqual(["Table for e…", "Tap"]);
    expect(shown(["Pond", "Carport, 3 m wide"], [[40, 50], [270, 50]], 390)).toEqual(["Pond", "Carport, 3 m wide <"]);
    expect(shown(["Pond: fence it in", "Carport, 3 m wide"], [[40, 50], [270, 50]], 390)).toEqual(["Pond: fence it in", "Carport, 3…"]);
  });

  test("may be beside that of a pin further up or down", () => {
    expect(shown(["Table for eight", "Tap"], [[100, 50], [200, 80]])).toEqual(["Table for eight", "Tap"]);
  });

  test("of two pins at one place, the second is left out, or on the other side", () => {
    expect(shown(["First", "Second"], [[100, 50], [104, 52]])).toEqual(["First", "Second <"]);
    expect(shown(["First", "Second"], [[30, 50], [34, 52]])).toEqual(["First", ""]);
  });

  test("is not there where its pin is out of the picture", () => {
    expect(shown(["West", "Behind", "East"], [[-20, 50], null, [1020, 50]])).toEqual(["", "", ""]);
  });
});
