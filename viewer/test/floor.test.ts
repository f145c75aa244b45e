import { describe, expect, test } from "vitest";
import { type Manifest, parseManifest } from "../src/manifest";
import { distance, length, scale, sub } from "../src/math";
import { type Intent, REST } from "../src/modes/mode";
import { forward, lookAt, type Pose } from "../src/pose";
import { Rig } from "../src/rig";
import { buildWorld } from "../src/world";
import { close, rayHitsGround, slope } from "./slope";

const VIEW = { vertical: 0.9, height: 600 };

describe("orbiting over ground that is known", () => {
  const manifest = (heights: number[]): Manifest =>
    parseManifest(
      {
        splat_url: "scene.splat",
        scene_bounds: { min: [-10, -10, 0], max: [10, 10, 5] },
        ground: { origin: [-10, -10], cell: 10, columns: 3, rows: 2, heights },
      },
      new URL("https://host/manifest.json"),
    );
  /** Level in the west, and a slope that rises to 5 in the east. */
  const hill = buildWorld(manifest([0, 0, 5, 0, 0, 5]), null);
  const low = hill.floor(0, 0) - hill.ground(0, 0);

  /** How high above the ground the camera is at the least while it is moved, and the rig. */
  function moved(at: Pose, intent: Partial<Intent>, within = hill): { least: number; rig: Rig } {
    const rig = new Rig(within, "orbit", true, at);
    let least = rig.height;
    for (let frame = 0; frame < 200; frame++) {
      rig.update({ ...REST, ...intent }, 0.05, VIEW);
      least = Math.min(least, rig.height);
    }
    return { least, rig };
  }

  test("is a little above it", () => {
    expect(low / hill.radius).toBeGreaterThan(0.02);
    expect(low / hill.radius).toBeLessThan(0.05); // as low as the map goes
  });

  const south = lookAt([0, -16, 4], [0, 0, 0]);

  test.each<[string, Partial<Intent>]>([
    ["drag up", { drag: [0, -20] }],
    ["drag aside and up", { drag: [30, -20] }],
    ["arrow keys", { turn: [0, 1] }],
    ["zoom to what is near", { zoom: 0.1 }],
    ["zoom out", { zoom: -0.1 }],
    ["shift down", { pan: [0, -40] }],
    ["keys down", { move: [0, 0, -1] }],
    ["keys over the slope", { move: [1, 0, -0.2] }],
    ["all at once", { drag: [9, -9], zoom: -0.02, move: [1, 0, -1] }],
  ])("stays a little above it, whatever one does: %s", (_, intent) => {
    for (const pose of [south, lookAt([16, -4, 9], [0, 0, 0]), lookAt([-2, -9, 0.5], [5, 9, 3])])
      expect(moved(pose, intent).least).toBeGreaterThan(0.99 * low);
  });

  test("turns around nothing that is in it: one who sinks stops there", () => {
    close(moved(south, { move: [0, 0, -1] }).rig.shown.position, south.position);
    const { rig } = moved(lookAt([0, -16, 6], [0, 0, 2]), { move: [0, 0, -1] });
    close(forward(rig.shown), forward(south));
  });

  test("comes to rest on it from as far, with the target still in the middle", () => {
    const { rig, least } = moved(south, { drag: [0, -20] });
    const target = rayHitsGround(new Rig(hill, "orbit", true, south));
    expect(least).toBeCloseTo(low, 5);
    expect(distance(rig.shown.position, target)).toBeCloseTo(distance(south.position, target), 5);
    const ray = sub(target, rig.shown.position);
    close(forward(rig.shown), scale(ray, 1 / length(ray)));
    const { shown } = rig;
    for (let frame = 0; frame < 100; frame++) rig.update(REST, 0.05, VIEW);
    expect(rig.shown).toBe(shown);
  });

  test("turns around what is seen in the middle, also on a slope, and zooms as far as there", () => {
    const west = lookAt([-10, 0, 4], [4, 0, slope(4, 0)]);
    const { rig } = moved(west, { zoom: 0.1 });
    expect(distance(rig.shown.position, [4, 0, slope(4, 0)])).toBeCloseTo(low, 1);
  });

  test("comes along it to what is in the middle, and goes back as it came", () => {
    const grazing = lookAt([0, -16, 1], [0, 0, 0]);
    const { rig } = moved(grazing, { zoom: 0.005 });
    expect(rig.height).toBeCloseTo(low, 5);
    expect(rig.shown.pitch).toBeLessThan(grazing.pitch);
    const zoom = Math.log(distance(rig.shown.position, [0, 0, 0]) / distance(grazing.position, [0, 0, 0]));
    expect(zoom).toBeLessThan(-0.1);
    for (let frame = 0; frame < 10; frame++) rig.update({ ...REST, zoom: zoom / 10 }, 0.05, VIEW);
    expect(distance(rig.shown.position, grazing.position)).toBeLessThan(1e-3);
    expect(rig.shown.pitch).toBeCloseTo(grazing.pitch);
  });

  test("is turned up from where it is, not from where it would be", () => {
    const { rig } = moved(south, { zoom: 0.012 });
    const { pitch } = rig.shown;
    expect(pitch).toBeLessThan(south.pitch - 0.1);
    rig.update({ ...REST, drag: [0, 2] }, 0.05, VIEW);
    expect(pitch - rig.shown.pitch).toBeGreaterThan(0);
    expect(pitch - rig.shown.pitch).toBeLessThan(0.05);
  });

  test.each<[string, Pose]>([
    ["that looked up", { position: [0, -12, -5], heading: 0, pitch: 0.4 }],
    ["that looked down", { position: [0, -12, -5], heading: 0, pitch: -0.7 }],
    ["in a hill", { position: [9, 0, 1], heading: -2, pitch: -0.1 }],
  ])("is above it also where a link of an older version is not: one %s", (_, pose) => {
    const rig = new Rig(hill, "orbit", true, pose);
    expect(rig.height).toBeGreaterThan(0.99 * low);
    expect(rig.shown.heading).toBeCloseTo(pose.heading);
    expect(Math.abs(rig.shown.pitch)).toBeLessThan(0.5); // along it, not straight down to what is below it
    expect(rig.height).toBeLessThan(hill.radius);
  });

  test("leaves a link as it is that leads above", () => {
    const near: Pose = { position: [0, -12, low], heading: 0, pitch: 0.3 };
    const rig = new Rig(hill, "orbit", true, near);
    rig.update(REST, 0.1, VIEW);
    close(rig.shown.position, near.position);
    expect(rig.shown.pitch).toBeCloseTo(near.pitch);
  });

  test("begins where the author says, also nearer to the ground than one comes", () => {
    const home = lookAt([0, -12, -0.2], [0, 0, 3]);
    const within = buildWorld({ ...manifest([0, 0, 5, 0, 0, 5]), camera: { position: home.position, lookAt: [0, 0, 3], up: [0, 0, 1] } }, null);
    const rig = new Rig(within, "orbit", true);
    close(rig.shown.position, home.position);
    expect(moved(home, { drag: [0, -20] }, within).least).toBeCloseTo(-0.2, 5);
  });

  test("is free where none is known: one may look at a thing from below", () => {
    const thing = buildWorld(null, { min: [-10, -10, 0], max: [10, 10, 5], groundZ: 0 });
    expect(moved(south, { drag: [0, -20] }, thing).least).toBeLessThan(-1);
  });

  test("is nothing that a flight ends at", () => {
    const rig = new Rig(hill, "fly", true, south);
    for (let frame = 0; frame < 100; frame++) rig.update({ ...REST, move: [0, 0, -1] }, 0.05, VIEW);
    expect(rig.height).toBeLessThan(-1);
    rig.setMode("orbit");
    expect(rig.height).toBeGreaterThan(0.99 * low);
  });
});
