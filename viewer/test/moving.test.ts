import { describe, expect, test } from "vitest";
import { distance, sub, type Vec3 } from "../src/math";
import { type Intent, type ModeName, REST } from "../src/modes/mode";
import { forward, lookAt, NADIR, type Pose, right, up } from "../src/pose";
import { Rig } from "../src/rig";
import { Walls } from "../src/walls";
import type { World } from "../src/world";
import { close, rayHitsGround, slope, world } from "./slope";

const VIEW = { vertical: 0.9, height: 600 };

const level: World = { ...world, ground: () => 0 };

function after(mode: ModeName, intent: Partial<Intent>, seconds = 0.1, within = world): { rig: Rig; from: Vec3 } {
  const rig = new Rig(within, mode, true);
  const from = rig.shown.position;
  rig.update({ ...REST, ...intent }, seconds, VIEW);
  return { rig, from };
}

describe("a height map", () => {
  test("is bilinear inside and goes on outside", () => {
    expect(slope(0, 0)).toBe(0);
    expect(slope(5, 3)).toBeCloseTo(2.5);
    expect(slope(99, 99)).toBe(5);
    expect(slope(-99, 0)).toBe(0);
  });
});

describe("a pose", () => {
  test.each<[string, Vec3, Vec3]>([
    ["north", [0, 5, 0], [0, 1, 0]],
    ["east and down", [3, 0, -3], [Math.SQRT1_2, 0, -Math.SQRT1_2]],
  ])("looks %s", (_, target, expected) => {
    const pose = lookAt([0, 0, 0], target);
    close(forward(pose), expected);
    expect(forward(pose)[0] * up(pose)[0] + forward(pose)[1] * up(pose)[1] + forward(pose)[2] * up(pose)[2]).toBeCloseTo(0);
  });

  test("straight down takes its heading from what is above on the screen", () => {
    const pose = lookAt([0, 0, 9], [0, 0, 0], [1, 0, 0]);
    close(up(pose), [1, 0, 0]);
    close(right(pose), [0, -1, 0]);
    expect(pose.pitch).toBeCloseTo(NADIR);
  });
});

describe("the chosen speed", () => {
  test.each<ModeName>(["orbit", "fly", "walk", "topdown"])("makes the way of a key longer or shorter in %s", (mode) => {
    const way = (pace: number): number => {
      const { rig, from } = after(mode, { move: [1, 0, 0], pace });
      return distance(rig.shown.position, from);
    };
    expect(way(0.5)).toBeCloseTo(way(1) / 2, 5);
    expect(way(2)).toBeCloseTo(way(1) * 2, 5);
  });
});

describe("the speed of keys", () => {
  const wide: World = { ...world, center: [0, 0, 0], ground: () => 0, radius: 90 };

  /** World units per second that D goes, from so far away of the level ground. */
  function speed(mode: ModeName, away: number, within: World = wide): number {
    const down: Pose = { position: [0, 0, away], heading: 0, pitch: mode === "fly" ? 0 : -1.5 };
    const rig = new Rig(within, mode, true, mode === "orbit" ? { ...down, position: [0, 0, away * Math.sin(1.5)] } : down);
    if (mode === "topdown") rig.update({ ...REST, zoom: Math.log(rig.height / away) }, 0, VIEW);
    const from = rig.shown.position;
    rig.update({ ...REST, move: [1, 0, 0] }, 0.01, VIEW);
    return distance(rig.shown.position, from) / 0.01;
  }

  test("is a walker's in flight near the ground, and a third of the height more above it", () => {
    expect(speed("fly", 6)).toBeCloseTo(2 + 2);
    expect(speed("fly", 60)).toBeCloseTo(2 + 20);
    expect(speed("fly", -60)).toBeCloseTo(2 + 20);
  });

  test.each<ModeName>(["orbit", "topdown"])("is a third of the distance in %s", (mode) => {
    expect(speed(mode, 6)).toBeCloseTo(2);
    expect(speed(mode, 60)).toBeCloseTo(20);
  });

  test.each<ModeName>(["orbit", "fly", "topdown"])("takes four seconds through the scene, however far away, in %s", (mode) => {
    for (const radius of [1, 90]) expect((2 * radius) / speed(mode, 3 * radius, { ...wide, radius })).toBeGreaterThanOrEqual(4);
  });

  test("is in flight from the map as from anywhere above", () => {
    const rig = new Rig(wide, "topdown", true);
    rig.update({ ...REST, zoom: -1 }, 0, VIEW);
    expect(rig.height).toBeGreaterThan(2 * wide.radius);
    rig.setMode("fly");
    const from = rig.shown.position;
    rig.update({ ...REST, move: [0, 1, 0] }, 0.01, VIEW);
    expect(distance(rig.shown.position, from) / 0.01).toBeCloseTo(speed("fly", wide.radius));
  });
});

describe("two fingers that turn clockwise", () => {
  test.each<ModeName>(["orbit", "topdown"])("turn what is seen along in %s, around what was in the middle", (mode) => {
    const before = new Rig(level, mode, true);
    const { rig } = after(mode, { twist: 0.5 }, 0.1, level);
    expect(rig.shown.heading - before.shown.heading).toBeCloseTo(-0.5);
    expect(rig.shown.pitch).toBe(before.shown.pitch);
    close(rayHitsGround(rig), rayHitsGround(before));
  });
});

describe("orbiting", () => {
  test("turns at a constant distance", () => {
    const { rig, from } = after("orbit", { drag: [80, 30] }, 0.1, level);
    expect(distance(rig.shown.position, from)).toBeGreaterThan(0.5);
    const target = rayHitsGround(new Rig(level, "orbit", true));
    close(rayHitsGround(rig), target);
    expect(distance(rig.shown.position, target)).toBeCloseTo(distance(from, target));
  });

  test("zooms towards the middle", () => {
    const { rig, from } = after("orbit", { zoom: Math.LN2 });
    close(forward(rig.shown), forward(new Rig(world, "orbit", true).shown));
    expect(rig.shown.position[2]).toBeLessThan(from[2] * 0.6);
  });
});

describe("flying", () => {
  test("ahead stays at its altitude, however the camera is pitched", () => {
    const { rig, from } = after("fly", { move: [0, 1, 0] });
    const step = sub(rig.shown.position, from);
    expect(step[2]).toBeCloseTo(0);
    expect(Math.hypot(step[0], step[1])).toBeGreaterThan(0.1);
  });

  test("Q rises", () => {
    const { rig, from } = after("fly", { move: [0, 0, 1] });
    expect(rig.shown.position[2]).toBeGreaterThan(from[2]);
  });
});

describe("walking", () => {
  test("keeps the eye over the ground on a slope", () => {
    const rig = new Rig(world, "walk", true);
    for (let i = 0; i < 40; i++) rig.update({ ...REST, move: [1, 0, 0] }, 0.1, VIEW);
    const [x, y, z] = rig.shown.position;
    expect(x).toBeGreaterThan(5);
    expect(z).toBeCloseTo(slope(x, y) + 1.7);
  });

  test("ends at the edge of the scene", () => {
    const rig = new Rig(world, "walk", true);
    for (let i = 0; i < 400; i++) rig.update({ ...REST, move: [0, -1, 0], fast: true }, 0.1, VIEW);
    expect(rig.shown.position[1]).toBe(-10);
  });

  test("goes at a walker's pace", () => {
    const { rig, from } = after("walk", { move: [0, 1, 0] }, 0.5);
    expect(Math.abs(rig.shown.position[1] - from[1])).toBeCloseTo(1);
  });
});

describe("walking among walls", () => {
  test("comes to rest, so that nothing is drawn any more, though arithmetic never does", () => {
    let last = 1e-15;
    const rig = new Rig({ ...walled, ground: () => 1.2 + (last = -last) }, "walk", true);
    for (let frame = 0; frame < 120; frame++) rig.update(REST, 1 / 60, VIEW);
    const { shown } = rig;
    for (let frame = 0; frame < 120; frame++) rig.update(REST, 1 / 50, VIEW);
    expect(rig.shown).toBe(shown);
  });

  // A wall along x = 2 with a gap at y > 6, and three steps of 0.4 up towards x = -4.
  const size = 80;
  const tops = new Uint8Array(size * size);
  for (let row = 0; row < size; row++) {
    const y = -10 + row * 0.25;
    for (let column = 0; column < size; column++) {
      const x = -10 + column * 0.25;
      if (x >= 2 && x < 2.5 && y < 6) tops[row * size + column] = 255;
      if (x < -3) tops[row * size + column] = x < -5 ? 12 : x < -4 ? 8 : 4;
    }
  }
  const walls = new Walls({ origin: [-10, -10], cell: 0.25, columns: size, rows: size, level: 0.1, tops: "" }, tops);
  const walled: World = { ...world, ground: () => 0, walls, walkHome: lookAt([0, 0, 1.7], [0, 9, 1.7]) };

  function walk(move: Vec3, seconds: number, within: World = walled): Vec3 {
    const rig = new Rig(within, "walk", true);
    for (let i = 0; i < seconds * 20; i++) rig.update({ ...REST, move }, 0.05, VIEW);
    return rig.shown.position;
  }

  test("stops at one, however fast", () => {
    expect(walk([1, 0, 0], 5)[0]).toBeLessThan(2);
    const rig = new Rig(walled, "walk", true);
    rig.update({ ...REST, move: [1, 0, 0], fast: true }, 10, VIEW);
    expect(rig.shown.position[0]).toBeLessThan(2);
  });

  test("slides along it, and through its gap", () => {
    const [x, y] = walk([1, 1, 0], 2);
    expect(x).toBeLessThan(2);
    expect(y).toBeCloseTo(4);
    expect(walk([1, 1, 0], 5)[0]).toBeGreaterThan(2.5);
  });

  test("climbs steps, and not what is as high as three of them", () => {
    const [x, , z] = walk([-1, 0, 0], 4);
    expect(x).toBeLessThan(-6);
    expect(z).toBeCloseTo(1.7 + 1.2, 1);
    const high: World = { ...walled, walls: new Walls({ origin: [-10, -10], cell: 20, columns: 1, rows: 1, level: 0.1, tops: "" }, Uint8Array.of(12)) };
    expect(walk([0, 1, 0], 1, { ...high, min: [-20, -20, 0], walkHome: lookAt([0, -15, 1.7], [0, 0, 1.7]) })[1]).toBeLessThan(-10);
  });

  test("begins before a wall that it would begin in", () => {
    const inside = { ...walled, walkHome: lookAt([2.1, 0, 1.7], [2.1, 9, 1.7]) };
    const [x, y] = new Rig(inside, "walk", true).shown.position;
    expect(x).toBeLessThan(2);
    expect(x).toBeGreaterThan(1.7);
    expect(y).toBeCloseTo(0);
    expect(walk([1, 0, 0], 2, inside)[0]).toBeLessThan(2);
  });

  test("begins, out of the map, beside what stands in its middle, and never outside the scene", () => {
    const house = new Uint8Array(size * size).fill(255);
    for (let row = 0; row < size; row++) house.fill(0, row * size, row * size + 70); // free up to x = 7.5
    const within = { ...walled, walls: new Walls({ origin: [-10, -10], cell: 0.25, columns: size, rows: size, level: 0.1, tops: "" }, house) };
    const rig = new Rig(within, "topdown", true, { position: [9.9, 0, 30], heading: 0, pitch: NADIR });
    rig.setMode("walk");
    const [x, y] = rig.shown.position;
    expect(x).toBeLessThan(7.5);
    expect(x).toBeGreaterThan(7.2);
    expect(y).toBeCloseTo(0);
  });
});

describe("the map", () => {
  test("looks straight down and keeps the ground under the finger", () => {
    const { rig, from } = after("topdown", { drag: [100, 0] });
    expect(rig.shown.pitch).toBe(NADIR);
    const pixel = (2 * (from[2] - slope(from[0], from[1])) * Math.tan(VIEW.vertical / 2)) / VIEW.height;
    expect(distance(rig.shown.position, from)).toBeCloseTo(100 * pixel);
  });

  test("stays as near as it was by a link, and when it is chosen once more", () => {
    const near: Pose = { position: [3, -4, slope(3, -4) + 2], heading: 1, pitch: NADIR };
    const rig = new Rig(world, "topdown", true, near);
    close(rig.shown.position, near.position);
    rig.setMode("topdown");
    rig.update(REST, 0.1, VIEW);
    close(rig.shown.position, near.position);
  });
});

describe("going to a place", () => {
  const place: Vec3 = [3, 2, 0];

  test.each<ModeName>(["orbit", "fly"])("by %s looks at it from nearer", (mode) => {
    const rig = new Rig(world, mode, true);
    const before = rig.shown.position;
    rig.visit(place);
    expect(distance(rig.shown.position, place)).toBeCloseTo(0.4 * distance(before, place));
    const ray = sub(place, rig.shown.position);
    close(forward(rig.shown), scaled(ray, 1 / Math.hypot(...ray)));
  });

  test("by orbit turns around it from then on", () => {
    const rig = new Rig(world, "orbit", true);
    rig.visit(place);
    const away = distance(rig.shown.position, place);
    rig.update({ ...REST, drag: [200, 40] }, 0.1, VIEW);
    expect(distance(rig.shown.position, place)).toBeCloseTo(away);
  });

  test("on foot stands there, at the eye's height", () => {
    const rig = new Rig(world, "walk", true);
    rig.visit(place);
    close(rig.shown.position, [3, 2, slope(3, 2) + 1.7]);
  });

  test("on the map is over it", () => {
    const rig = new Rig(world, "topdown", true);
    rig.visit(place);
    expect(rig.shown.position.slice(0, 2)).toEqual([3, 2]);
    expect(rig.shown.pitch).toBe(NADIR);
  });
});

describe("changing the mode", () => {
  test("glides, unless reduced motion is preferred", () => {
    const gliding = new Rig(world, "orbit", false);
    const jumping = new Rig(world, "orbit", true);
    for (const rig of [gliding, jumping]) {
      rig.setMode("topdown");
      rig.update(REST, 0.1, VIEW);
    }
    expect(jumping.shown.pitch).toBe(NADIR);
    expect(gliding.shown.pitch).toBeGreaterThan(NADIR);
    for (let i = 0; i < 20; i++) gliding.update(REST, 0.1, VIEW);
    expect(gliding.shown.pitch).toBeCloseTo(NADIR);
  });
});

describe("standing where a photo was taken", () => {
  const there: Pose = { position: [1, 2, 3], heading: 1, pitch: -0.2 };
  const elsewhere: Pose = { position: [4, 4, 4], heading: 0, pitch: 0 };

  test("lasts until the person moves", () => {
    const rig = new Rig(world, "orbit", true);
    expect(rig.stand(there)).toEqual(there);
    rig.update(REST, 0.1, VIEW);
    expect([rig.standing, rig.mode, rig.shown]).toEqual([true, "fly", there]);
    rig.update({ ...REST, turn: [1, 0] }, 0.1, VIEW);
    expect(rig.standing).toBe(false);
  });

  test("gives way to what leads the camera, and does not begin meanwhile", () => {
    const rig = new Rig(world, "orbit", true);
    rig.stand(there);
    rig.lead(elsewhere);
    expect(rig.standing).toBe(false);
    expect(rig.stand({ ...there, heading: 2 })).toBeNull();
    rig.update(REST, 0.1, VIEW);
    expect([rig.standing, rig.shown]).toEqual([false, elsewhere]);
    rig.lead(null);
    rig.update(REST, 0.1, VIEW);
    expect([rig.standing, rig.shown]).toEqual([false, there]);
  });
});

const scaled = (a: Vec3, s: number): Vec3 => [a[0] * s, a[1] * s, a[2] * s];
