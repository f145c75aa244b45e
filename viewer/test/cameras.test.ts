import { describe, expect, test } from "vitest";
import { ViewerError } from "../src/errors";
import type { Vec2 } from "../src/math";
import type { Pose } from "../src/pose";
import { project, type Screen } from "../src/screen";
import { fieldOfView, frustum, frustumDepth, laid, parseCameras, type PhotoCamera, poseOf } from "../src/tools/cameras";

const BASE = new URL("https://cdn.example/splats/j1/cameras.json");
const HALF = Math.SQRT1_2;
/** Level, looking north; its axis goes through the photo left of the middle. */
const good = {
  name: "a.jpg", position: [1, 2, 3], rotation: [HALF, -HALF, 0, 0],
  size: [400, 300], focal: [300, 310], centre: [150, 160], photo: "photos/000.jpg",
};

const read = (changes: object = {}): PhotoCamera => parseCameras({ cameras: [{ ...good, ...changes }] }, BASE).cameras[0]!;
const complaint = (json: unknown): string => {
  try {
    parseCameras(json, BASE);
  } catch (error) {
    expect(error).toBeInstanceOf(ViewerError);
    return (error as ViewerError).message;
  }
  return "no complaint";
};

describe("cameras.json", () => {
  test("tells where photos were taken, and where they are", () => {
    const camera = read();
    expect([camera.across, camera.down, camera.ahead].flat().map((v) => Math.round(v) + 0)).toEqual([1, 0, 0, 0, 0, -1, 0, 1, 0]);
    expect(camera.photo!.href).toBe("https://cdn.example/splats/j1/photos/000.jpg");
    expect(parseCameras({ photos: 9, cameras: [good] }, BASE).photos).toBe(9);
    expect(read({ photo: undefined }).photo).toBeNull();
  });

  test.each([
    { position: [1, 2] }, { position: [1, 2, null] }, { rotation: [1, 1, 1, 1] }, { rotation: [0, 0, 0, 0] }, { size: [0, 300] },
    { size: [1e9, 3] }, { focal: [-300, 300] }, { centre: "150" }, { name: 7 },
    ...["../a.jpg", "photos/../../a.jpg", "/a.jpg", "//host/a.jpg", "https://host/a.jpg", "javascript:alert(1)", "a\\b.jpg", ".hidden", "a//b", "", "a?b", "%2e%2e/a"].map((photo) => ({ photo })),
  ])("with %j is refused by the field's name", (changes) => {
    expect(complaint({ cameras: [{ ...good, ...changes }] })).toContain(`cameras[0].${Object.keys(changes)[0]!}`);
  });

  test("of another shape, or of more photos than there may be, is refused", () => {
    for (const json of [null, [], "x", { cameras: {} }, { cameras: ["x"] }, { cameras: Array(2001).fill(good) }]) {
      expect(complaint(json)).not.toBe("no complaint");
    }
  });
});

describe("a photo's camera", () => {
  const screen: Screen = { vertical: 1, width: 900, height: 600 };
  /** Where the transform takes a place of an element. */
  const taken = (transform: string, [x, y]: Vec2): Vec2 => {
    const m = /\((.*)\)/.exec(transform)![1]!.split(",").map(Number);
    const w = m[3]! * x + m[7]! * y + m[15]!;
    return [(m[0]! * x + m[4]! * y + m[12]!) / w, (m[1]! * x + m[5]! * y + m[13]!) / w];
  };

  test("is stood in as it looked, also straight down where only its upper edge tells the heading", () => {
    const pose = poseOf(read());
    expect([...pose.position, pose.heading, pose.pitch]).toEqual([1, 2, 3, expect.closeTo(0), expect.closeTo(0)]);
    const east = poseOf({ ...read(), across: [0, -1, 0], down: [-1, 0, 0], ahead: [0, 0, -1] });
    expect([east.heading, east.pitch]).toEqual([expect.closeTo(Math.PI / 2), expect.closeTo(-Math.PI / 2)]);
  });

  test("is seen whole, and no wider than that", () => {
    const camera = read();
    for (const aspect of [0.46, 1.5, 4]) {
      const vertical = fieldOfView(camera, poseOf(camera), aspect);
      const corners = frustum(camera, 2).slice(1).map((place) => project(place, poseOf(camera), { vertical, width: 600 * aspect, height: 600 })!);
      const reach = corners.map(([x, y]) => Math.max(Math.abs(x / (600 * aspect) - 0.5), Math.abs(y / 600 - 0.5)));
      expect(Math.max(...reach)).toBeCloseTo(0.5);
    }
  });

  test.each<Pose>([
    { position: [1, 2, 3], heading: 0, pitch: 0 },
    { position: [0, -1, 4], heading: 0.2, pitch: -0.1 },
  ])("has its photo on its frustum, seen from %j", (pose) => {
    const camera = read();
    const transform = laid(camera, [200, 150], 2, pose, screen)!;
    const corners = frustum(camera, 2).slice(1).map((place) => project(place, pose, screen)!);
    for (const [i, corner] of ([[0, 0], [200, 0], [200, 150], [0, 150]] as const).entries()) {
      const [x, y] = taken(transform, corner);
      expect([x, y]).toEqual([expect.closeTo(corners[i]![0], 4), expect.closeTo(corners[i]![1], 4)]);
    }
  });

  test("has no photo for who looks away", () => {
    expect(laid(read(), [200, 150], 2, { position: [1, 2, 3], heading: Math.PI, pitch: 0 }, screen)).toBeNull();
  });

  test("is drawn smaller where cameras are near to each other", () => {
    const row = (step: number): PhotoCamera[] => [0, 1, 2, 3].map((i) => ({ ...read(), position: [i * step, 0, 0] }));
    expect(frustumDepth(row(0.05), 1)).toBeCloseTo(0.02);
    expect(frustumDepth(row(10), 1)).toBeCloseTo(0.05);
    expect(frustumDepth(row(0), 1)).toBeCloseTo(0.008);
    expect(frustumDepth([], 1)).toBeCloseTo(0.05);
  });
});
