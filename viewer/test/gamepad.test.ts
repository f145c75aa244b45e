import { describe, expect, it } from "vitest";
import { sticks } from "../src/gamepad";

const pad = (axes: number[], pressed: Readonly<Record<number, number>> = {}, mapping = "standard"): Gamepad =>
  ({ connected: true, mapping, axes, buttons: Array.from({ length: 17 }, (_, i) => ({ value: pressed[i] ?? 0 })) }) as unknown as Gamepad;

describe("a gamepad", () => {
  it("moves with the left stick, looks with the right one, sinks and rises with the triggers", () => {
    const { move, turn, fast } = sticks([null, pad([1, -1, 1, -1], { 7: 1 })]);
    expect(move).toEqual([1, 1, 1]);
    expect(turn).toEqual([1, 1]);
    expect(fast).toBe(false);
    expect(sticks([pad([0, 0, 0, 0], { 6: 1, 4: 1 })])).toEqual({ move: [0, 0, -1], turn: [0, 0], fast: true });
  });

  it("does nothing while nobody touches it, and begins without a jump", () => {
    expect(sticks([pad([0.1, -0.1, 0.14, -0.14])])).toEqual(sticks([]));
    expect(sticks([pad([0.16, 0, 0, 0])]).move[0]).toBeCloseTo(0.012, 2);
  });

  it("is not understood in another layout, or when it says nonsense", () => {
    expect(sticks([pad([1, 1, 1, 1], {}, "")])).toEqual(sticks([]));
    expect(sticks([pad([])])).toEqual(sticks([]));
    expect(sticks([pad([40, 0, 0, 0])]).move[0]).toBe(1);
  });
});
