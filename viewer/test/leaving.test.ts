import { describe, expect, test } from "vitest";
import { distance } from "../src/math";
import type { ModeName } from "../src/modes/mode";
import { forward, lookAt, NADIR, type Pose } from "../src/pose";
import { Rig } from "../src/rig";
import type { World } from "../src/world";
import { close, rayHitsGround, slope, world } from "./slope";

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
