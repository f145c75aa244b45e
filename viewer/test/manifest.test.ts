import { describe, expect, test } from "vitest";
import { ViewerError } from "../src/errors";
import { parseManifest, webAddress } from "../src/manifest";

const BASE = new URL("https://cdn.example/splats/j1/manifest.json");
const good = {
  splat_url: "scene.splat",
  title: "demo/parcel",
  viewer_mode: "topdown",
  scene_bounds: { min: [-1, -2, 0], max: [1, 2, 3], ground_z: 0.5 },
  camera_defaults: { position: [0, 0, 9], look_at: [0, 0, 0], up: [0, 1, 0] },
  ground: { origin: [0, 0], cell: 1, columns: 2, rows: 2, heights: [0, 1, 2, 3] },
  walls: { origin: [0, 0], cell: 0.5, columns: 2, rows: 1, level: 0.1, tops: "eJxj+A8AAQEA/w==" },
  metadata: { metric: true, gaussians: 5, photos: 38 },
};

const complaint = (changes: object): string => {
  try {
    parseManifest({ ...good, ...changes }, BASE);
  } catch (error) {
    expect(error).toBeInstanceOf(ViewerError);
    return (error as ViewerError).message;
  }
  return "no complaint";
};

describe("a manifest", () => {
  test("is read with addresses relative to its own", () => {
    const manifest = parseManifest(good, BASE);
    expect(manifest.splatUrl.href).toBe("https://cdn.example/splats/j1/scene.splat");
    expect(manifest.bounds).toEqual({ min: [-1, -2, 0], max: [1, 2, 3], groundZ: 0.5 });
    expect([...manifest.ground!.heights]).toEqual([0, 1, 2, 3]);
    expect(manifest.walls).toMatchObject({ columns: 2, rows: 1, cell: 0.5, level: 0.1 });
    expect(manifest.metadata.metric).toBe(true);
    expect(manifest.previewAt).toBeNull();
    expect(parseManifest({ ...good, preview: { done: 0.2 } }, BASE).previewAt).toBe(0.2);
  });

  test("may be SplatWalk's, with fewer fields and other names", () => {
    const manifest = parseManifest(
      { splat_url: "https://cdn.example/a.splat", viewer_mode: "splat", viewer_modes: ["topdown", "walk"], metadata: { scene_scale: 50, source_images: 38 } },
      BASE,
    );
    expect(manifest.metadata.photos).toBe(38);
    expect(manifest.viewerModes).toEqual(["topdown", "walk"]);
    expect(manifest.camera).toBeNull();
  });

  test("may say null for what it does not know", () => {
    expect(parseManifest({ ...good, ground: null, title: null, metadata: null }, BASE).ground).toBeNull();
  });

  test.each([
    ["splat_url", { splat_url: undefined }],
    ["splat_url", { splat_url: "javascript:alert(1)" }],
    ["splat_url", { splat_url: "data:text/html,x" }],
    ["splat_url", { splat_url: "file:///etc/passwd" }],
    ["splat_url", { splat_url: "blob:https://cdn.example/1" }],
    ["splat_url", { splat_url: "https://user:secret@cdn.example/a.splat" }],
    ["splat_url", { splat_url: `https://cdn.example/${"a".repeat(5000)}` }],
    ["splat_url", { splat_url: ["scene.splat"] }],
    ["thumbnail_url", { thumbnail_url: "javascript:alert(1)" }],
    ["ply_url", { ply_url: "vbscript:x" }],
    ["title", { title: { toString: "x" } }],
    ["scene_bounds", { scene_bounds: [] }],
    ["scene_bounds.min", { scene_bounds: { min: [0, 0], max: [1, 1, 1] } }],
    ["scene_bounds.max", { scene_bounds: { min: [2, 0, 0], max: [1, 1, 1] } }],
    ["camera_defaults.position", { camera_defaults: { position: [Number.NaN, 0, 0], look_at: [0, 0, 0], up: [0, 0, 1] } }],
    ["camera_defaults.look_at", { camera_defaults: { position: [0, 0, 0], look_at: [1e300, 0, 0], up: [0, 0, 1] } }],
    ["camera_defaults.up", { camera_defaults: { position: [0, 0, 0], look_at: [0, 0, 0], up: "z" } }],
    ["ground.columns", { ground: { ...good.ground, columns: 1e12 } }],
    ["ground.rows", { ground: { ...good.ground, columns: 100_000, rows: 100_000 } }],
    ["ground.rows", { ground: { ...good.ground, rows: -1 } }],
    ["ground.cell", { ground: { ...good.ground, cell: 0 } }],
    ["ground.heights", { ground: { ...good.ground, heights: [1, 2, 3] } }],
    ["walls.rows", { walls: { ...good.walls, columns: 1e6, rows: 1e6 } }],
    ["walls.level", { walls: { ...good.walls, level: 0 } }],
    ["walls.tops", { walls: { ...good.walls, tops: [1, 2] } }],
    ["ground.heights", { ground: { ...good.ground, heights: [0, 1, "2", 3] } }],
    ["metadata.gaussians", { metadata: { gaussians: 1e15 } }],
    ["metadata.gaussians", { metadata: { gaussians: 1.5 } }],
    ["metadata.psnr", { metadata: { psnr: "26 dB" } }],
    ["metadata.lpips", { metadata: { lpips: "good" } }],
    ["preview.done", { preview: {} }],
  ])("is refused by the name of its field: %s", (field, changes) => {
    expect(complaint(changes)).toContain(`“${field}”`);
  });

  test.each([null, 7, "x", [], true])("that is %j is refused", (value) => {
    expect(() => parseManifest(value, BASE)).toThrow(ViewerError);
  });

  test("does not take fields from the prototype chain", () => {
    const polluted = JSON.parse('{"__proto__": {"splat_url": "https://evil.example/a.splat"}}') as unknown;
    expect(() => parseManifest(polluted, BASE)).toThrow("splat_url");
  });

  test("cuts a title of any length", () => {
    expect(parseManifest({ ...good, title: "x".repeat(1e6) }, BASE).title).toHaveLength(200);
  });
});

test.each(["javascript:alert(1)", "//user@host/x", "http://", "ftp://a/b"])("%s is no web address", (text) => {
  expect(webAddress(text, new URL("http://here.example/viewer/"))).toBeNull();
});
