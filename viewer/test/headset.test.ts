import { describe, expect, test } from "vitest";
import { type Hands, hands, type Source } from "../src/hands";
import type { Vec3 } from "../src/math";
import { type Head, Immersed } from "../src/modes/immersed";
import type { ModeName } from "../src/modes/mode";
import { Budget } from "../src/scene/budget";
import { buildWorld } from "../src/world";

const controller = (handedness: string, axes: number[], held: Partial<Source> = {}): Source =>
  ({ handedness, gamepad: { mapping: "xr-standard", axes }, selecting: false, squeezing: false, ...held }) as Source;
const STILL: Hands = { move: [0, 0, 0], turn: 0, fast: false, onward: false };
const close = (a: Vec3, b: Vec3): void => a.forEach((value, axis) => expect(value).toBeCloseTo(b[axis]!, 5));

describe("controllers", () => {
  test("move with the left stick, and turn and rise with the right one", () => {
    const { move, turn, fast, onward } = hands([controller("right", [0, 0, 1, -1], { squeezing: true }), controller("left", [0, 0, -1, -1])]);
    expect([move, turn, fast, onward]).toEqual([[-1, 1, 1], 1, true, false]);
  });

  test("go ahead and turn when there is one alone, also with a touchpad", () => {
    expect(hands([controller("right", [0.5, -1])])).toEqual({ ...STILL, move: [0, 1, 0], turn: (0.5 - 0.15) / 0.85 });
  });

  test("need no stick: a pinch goes where one looks", () => {
    const pinch: Source = { handedness: "right", gamepad: null, selecting: true, squeezing: false };
    expect(hands([pinch])).toEqual({ ...STILL, onward: true });
    expect(hands([{ ...controller("left", [0, 0, 1, 1]), gamepad: { mapping: "", axes: [1, 1] } }])).toEqual(STILL);
  });
});

describe("in a headset", () => {
  const bounds = { min: [-10, -10, 0], max: [10, 10, 5], groundZ: 0 } as const;
  const world = { ...buildWorld(null, bounds), eye: 1.7, metre: 1, walkSpeed: 2 };
  const start = { position: [1, -8, 1.7], heading: Math.PI / 2, pitch: -0.2 } as const;
  const head: Head = { place: [0.5, -0.25, 1.6], heading: 0.3, pitch: 0 };

  function begun(mode: ModeName, still = false, factor = 1): Immersed {
    const inside = new Immersed({ ...world, metre: factor, eye: 1.7 * factor }, mode, still);
    inside.begin(start, head);
    return inside;
  }

  /** Where the eyes are over the floor, in the scene. */
  const eyes = ({ floor: [x, y], heading }: Immersed, metre = 1): readonly [number, number] => {
    const [aside, ahead] = [head.place[0] * metre, head.place[1] * metre];
    return [x + aside * Math.cos(heading) + ahead * Math.sin(heading), y - aside * Math.sin(heading) + ahead * Math.cos(heading)];
  };

  test("the eyes are where the camera was, and the floor is an eye's height below it", () => {
    for (const metre of [1, 0.25]) {
      const inside = begun("walk", false, metre);
      expect(eyes(inside, metre)[0]).toBeCloseTo(1);
      expect(eyes(inside, metre)[1]).toBeCloseTo(-8);
      expect(inside.heading + head.heading).toBeCloseTo(Math.PI / 2);
      expect(inside.floor[2]).toBeCloseTo(1.7 - 1.7 * metre);
    }
  });

  test("a stick moves where the head looks, over the ground", () => {
    const inside = begun("walk");
    const [x, y, z] = inside.floor;
    inside.step(head, { ...STILL, move: [0, 1, 0] }, 0.5);
    close(inside.floor, [x + 1, y, z]);
  });

  test("walking follows the ground, and flying rises", () => {
    const walk = new Immersed({ ...world, ground: (x) => 0.5 * x }, "walk", false);
    walk.begin({ ...start, position: [0, 0, 1.7] }, head);
    walk.step(head, { ...STILL, move: [0, 1, 0] }, 1);
    expect(walk.floor[2]).toBeCloseTo(1);
    const fly = begun("orbit");
    fly.step(head, { ...STILL, onward: true, move: [0, 0, 1] }, 0.5);
    expect(fly.floor[2]).toBeGreaterThan(0.3);
  });

  test("a turn is one step to a push, about the head", () => {
    const inside = begun("fly");
    const [before, heading] = [eyes(inside), inside.heading];
    for (const turn of [0.9, 1, 0.5, 0.8]) inside.step(head, { ...STILL, turn }, 0.01);
    expect(inside.heading - heading).toBeCloseTo(Math.PI / 6);
    eyes(inside).forEach((value, axis) => expect(value).toBeCloseTo(before[axis]!));
    for (const turn of [0.1, -0.9]) inside.step(head, { ...STILL, turn }, 0.01);
    expect(inside.heading).toBeCloseTo(heading);
  });

  test("with reduced motion a push is one jump", () => {
    const inside = begun("walk", true);
    const [x] = inside.floor;
    for (let i = 0; i < 5; i++) inside.step(head, { ...STILL, move: [0, 1, 0] }, 0.1);
    expect(inside.floor[0] - x).toBeCloseTo(2);
  });
});

describe("the levels drawn in a headset", () => {
  const SUMS = [50_000, 200_000, 600_000, 1_000_000];

  test("are those that such a device bears, and one at least", () => {
    expect(new Budget(400_000).levels(SUMS)).toBe(2);
    expect(new Budget(1).levels(SUMS)).toBe(1);
  });

  test("become fewer when frames come late for a while, and not again more", () => {
    const budget = new Budget(Infinity);
    const after = (ms: number, frames: number): number => {
      for (let i = 0; i < frames; i++) budget.frame(ms, 14);
      return budget.levels(SUMS);
    };
    expect(after(14, 10)).toBe(4);
    expect(after(300, 1)).toBe(4); // a single one may be anything
    expect(after(14, 200)).toBe(4);
    expect(after(28, 60)).toBe(3);
    expect(after(14, 900)).toBe(3);
  });
});
