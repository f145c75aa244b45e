import { describe, expect, test } from "vitest";
import { distance } from "../src/math";
import { type ModeName, REST } from "../src/modes/mode";
import { forward, lookAt, NADIR, type Pose } from "../src/pose";
import { Rig } from "../src/rig";
import { Walls } from "../src/walls";
import type { World } from "../src/world";
import { close, rayHitsGround, slope, world } from "./slope";

const VIEW = { vertical: 0.9, height: 600 };

describe("a look at the map", () => {
  const seen: Pose = { position: [7, -4, slope(7, -4) + world.eye], heading: 2, pitch: -0.2 };
  /** Everywhere a terrace, higher than anybody who walks is above the ground. */
  const terrace = new Walls({ origin: [-10, -10], cell: 20, columns: 1, rows: 1, level: 0.1, tops: "" }, Uint8Array.of(90));

  function backIn(mode: ModeName, meanwhile: (rig: Rig) => void, within: World = world, at: Pose = seen): Pose {
    const rig = new Rig(within, mode, true, at);
    rig.setMode("topdown");
    rig.update(REST, 0.1, VIEW);
    meanwhile(rig);
    rig.setMode(mode);
    return rig.shown;
  }

  test.each<ModeName>(["orbit", "fly", "walk"])("ends in %s where it began, looking as before", (mode) => {
    const back = backIn(mode, (rig) => rig.setMode("topdown"));
    close(back.position, seen.position);
    close(forward(back), forward(seen));
  });

  test("from a terrace ends there, not where the walk starts", () => {
    const high: Pose = { ...seen, position: [7, -4, slope(7, -4) + 9 + world.eye] };
    close(backIn("walk", () => undefined, { ...world, walls: terrace }, high).position, high.position);
  });

  test("has in its middle where somebody walks, with ahead up", () => {
    const rig = new Rig(world, "walk", true, seen);
    rig.setMode("topdown");
    expect(rig.shown).toMatchObject({ heading: 2, pitch: NADIR });
    expect(rig.shown.position.slice(0, 2)).toEqual([7, -4]);
  });

  test.each<[string, number]>([["the middle", 0], ["the edge", 9.9]])("sees the scene's middle from %s of it", (_, y) => {
    const rig = new Rig(world, "walk", true, { ...seen, position: [0, y, slope(0, y) + world.eye] });
    rig.setMode("topdown");
    const top = rig.height * Math.tan(VIEW.vertical / 2);
    expect(top - y).toBeGreaterThan(0.2 * world.radius);
    expect(rig.height).toBeLessThan(2 * world.radius);
  });

  test.each<[string, (rig: Rig) => void]>([
    ["dragged", (rig) => rig.update({ ...REST, drag: [40, 0] }, 0.1, VIEW)],
    ["gone to another place on it", (rig) => rig.visit([2, 3, 0])],
    ["gone home", (rig) => rig.goHome()],
  ])("ends on foot in its middle once somebody has %s", (_, move) => {
    let middle: Pose = seen;
    const { position, heading, pitch } = backIn("walk", (rig) => (move(rig), (middle = rig.shown)));
    const [x, y] = middle.position;
    expect(distance([x, y, 0], [7, -4, 0])).toBeGreaterThan(0.5);
    close(position, [x, y, slope(x, y) + world.eye]);
    expect([heading, pitch]).toEqual([middle.heading, 0]);
  });

  test.each<ModeName>(["orbit", "fly", "walk"])("ends in %s where it began also when a film was made meanwhile", (mode) => {
    const back = backIn(mode, (rig) => {
      const above = rig.shown;
      for (const height of [9, 20]) rig.lead({ position: [3, 2, height], heading: 1, pitch: -1 });
      rig.update({ ...REST, move: [1, 0, 0] }, 0.1, VIEW); // nobody moves a camera that is led
      rig.lead(null);
      close(rig.shown.position, above.position);
    });
    close(back.position, seen.position);
    close(forward(back), forward(seen));
  });

  test("ends in another mode as ever: it begins from the map", () => {
    const rig = new Rig(world, "walk", true, seen);
    rig.setMode("topdown");
    rig.setMode("orbit");
    expect(rig.shown.pitch).toBeCloseTo((-50 * Math.PI) / 180);
    rig.setMode("topdown");
    rig.setMode("walk");
    expect(rig.shown.pitch).toBe(0);
  });
});

describe("leaving the map", () => {
  const level: World = { ...world, center: [0, 0, 0], ground: () => 0, radius: 20 };

  test.each<ModeName>(["orbit", "fly"])("by %s looks aslant at the same place, from as far", (mode) => {
    const rig = new Rig(level, "topdown", true, { position: [3, -4, 30], heading: 1, pitch: NADIR });
    close(rayHitsGround(rig), [3, -4, 0]);
    rig.setMode(mode);
    close(rayHitsGround(rig), [3, -4, 0]);
    expect(distance(rig.shown.position, [3, -4, 0])).toBeCloseTo(30);
    expect(rig.shown.heading).toBeCloseTo(1);
    expect(rig.shown.pitch).toBeCloseTo((-50 * Math.PI) / 180);
    rig.setMode("topdown");
    close(rig.shown.position, [3, -4, 30]);
  });

  function onFoot(from: ModeName, at: Pose): Pose {
    const rig = new Rig({ ...world, walkHome: lookAt([-2, -8, 1.7], [-2, 0, 1.7]) }, from, true, at);
    rig.setMode("walk");
    return rig.shown;
  }

  test.each([30, 3])("on foot stands on the ground in its middle and looks on the level to its top, from %s up", (z) => {
    const pose = onFoot("topdown", { position: [7, -4, z], heading: 1, pitch: NADIR });
    close(pose.position, [7, -4, slope(7, -4) + 1.7]);
    expect(pose.heading).toBeCloseTo(1);
    expect(pose.pitch).toBeCloseTo(0);
  });

  test("on foot stands where the walk starts if its middle is outside the scene", () => {
    close(onFoot("topdown", { position: [11, -4, 30], heading: 1, pitch: NADIR }).position, [-2, -8, 1.7]);
  });

  test.each<ModeName>(["orbit", "fly"])("is the only way to stand there: from as high in %s one walks where the walk starts", (mode) => {
    close(onFoot(mode, { position: [7, -4, 30], heading: 1, pitch: -1.2 }).position, [-2, -8, 1.7]);
  });

  test("is the only way to be tilted: a steep look is kept from mode to mode, and by a link", () => {
    const steep: Pose = { position: [3, -4, 30], heading: 1, pitch: -1.5 };
    const rig = new Rig(level, "fly", true, steep);
    rig.setMode("orbit");
    expect(rig.shown.pitch).toBeCloseTo(-1.5);
    expect(new Rig(level, "orbit", true, steep).shown.pitch).toBeCloseTo(-1.5);
    expect(rig.stand(steep)).toEqual(steep);
  });
});

describe("going home", () => {
  const home = lookAt([0, -6, 20], [0, 0, 0]);
  const walkHome = lookAt([2, -8, 1.7], [2, 0, 1.7]);
  const level: World = { ...world, center: [0, 0, 0], ground: () => 0, home, walkHome };

  function homeIn(mode: ModeName, within: World = level): Pose {
    const rig = new Rig(within, mode, true, { position: [5, 5, 1.7], heading: 2, pitch: 0 });
    rig.goHome();
    return rig.shown;
  }

  test.each<ModeName>(["orbit", "fly"])("is the first view in %s", (mode) => {
    close(homeIn(mode).position, home.position);
    close(forward(homeIn(mode)), forward(home));
  });

  test("is above it on the map, and where the walk starts on foot", () => {
    close(homeIn("topdown").position, [0, 0, Math.hypot(6, 20)]);
    close(homeIn("walk").position, walkHome.position);
  });

  test("is to where the walk starts, as it looks, also where the scene begins as a map", () => {
    const pose = homeIn("walk", { ...level, begins: "topdown", walkHome: lookAt([2, -8, 1.7], [2, 0, 0]) });
    close(pose.position, [2, -8, 1.7]);
    expect(pose.pitch).toBeLessThan(-0.1);
  });

  test.each<ModeName>(["orbit", "fly"])("is aslant in %s where the scene begins as a map", (mode) => {
    const pose = homeIn(mode, { ...level, begins: "topdown" });
    expect(pose.pitch).toBeCloseTo((-50 * Math.PI) / 180);
    expect(distance(pose.position, [0, 0, 0])).toBeCloseTo(Math.hypot(6, 20));
  });
});
