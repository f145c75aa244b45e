/** The cameras that took the photos: read from cameras.json, which nobody trusts, and where they are in the picture. */
import { MAX_CAMERAS, MAX_PIXELS } from "../limits";
import { Fields, wrong } from "../manifest";
import { add, clamp, distance, dot, radians, scale, sub, type Vec2, type Vec3, type Vec4 } from "../math";
import { forward, type Pose, right, up } from "../pose";
import type { Screen } from "../screen";
import { wanted } from "../texts/errors";

/** A pinhole camera in the world. */
export interface PhotoCamera {
  readonly name: string;
  readonly position: Vec3;
  /** Unit vectors: to the photo's right, down it, and where it looks. */
  readonly across: Vec3;
  readonly down: Vec3;
  readonly ahead: Vec3;
  /** Pixels: the photo's sides, its focal lengths, and where its axis goes through it. */
  readonly size: Vec2;
  readonly focal: Vec2;
  readonly centre: Vec2;
  /** Null where the photo was not published. */
  readonly photo: URL | null;
}

export interface Cameras {
  readonly cameras: readonly PhotoCamera[];
  /** How many photos there were: of very many the file tells some. */
  readonly photos: number;
}

/** Beside the file or in a folder there; nothing that leads elsewhere. */
const RELATIVE = /^[\w-][\w.-]{0,79}(\/[\w-][\w.-]{0,79}){0,3}$/;
/** What the stage can show without bending it, radians. */
const VIEWS = [radians(4), radians(140)] as const;
/** A frustum's depth in the scene's radii, at least and at most, and in distances of cameras. */
const DEPTHS = [0.008, 0.05] as const;
const APART = 0.4;
/** Cameras that are asked how far away the next one is. */
const ASKED = 200;

/** Checks a parsed cameras.json; `base` is its address. */
export function parseCameras(json: unknown, base: URL): Cameras {
  const root = Fields.of(json, "cameras.json");
  const cameras = root.list("cameras", MAX_CAMERAS).map((fields) => readCamera(fields, base));
  return { cameras, photos: Math.max(cameras.length, root.number("photos") ?? 0) };
}

function readCamera(fields: Fields, base: URL): PhotoCamera {
  const [w, x, y, z] = unit(fields);
  const pair = (key: "size" | "focal"): Vec2 => {
    const [a, b] = fields.vec2(key);
    if (Math.min(a, b) < 1 || Math.max(a, b) > MAX_PIXELS) throw wrong(fields.field(key), wanted.pixels(MAX_PIXELS));
    return [a, b];
  };
  return {
    name: fields.text("name") ?? "",
    position: fields.vec3("position"),
    across: [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    down: [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
    ahead: [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
    size: pair("size"),
    focal: pair("focal"),
    centre: fields.vec2("centre"),
    photo: readPhoto(fields, base),
  };
}

/** A quaternion w, x, y, z that turns directions of the camera into the world. */
function unit(fields: Fields): Vec4 {
  const [w, x, y, z] = fields.vec4("rotation");
  const norm = Math.hypot(w, x, y, z);
  if (Math.abs(norm - 1) > 0.01) throw wrong(fields.field("rotation"), wanted.quaternion);
  return [w / norm, x / norm, y / norm, z / norm];
}

function readPhoto(fields: Fields, base: URL): URL | null {
  const name = fields.text("photo");
  if (name === null) return null;
  if (!RELATIVE.test(name)) throw wrong(fields.field("photo"), wanted.relative);
  return new URL(name, base);
}

/** A place of the photo, pixels, `depth` in front of the camera. */
function placeOf({ position, across, down, ahead, focal, centre }: PhotoCamera, [u, v]: Vec2, depth: number): Vec3 {
  const aside = add(scale(across, (u - centre[0]) / focal[0]), scale(down, (v - centre[1]) / focal[1]));
  return add(position, scale(add(aside, ahead), depth));
}

const cornersOf = ({ size: [width, height] }: PhotoCamera): readonly Vec2[] => [[0, 0], [width, 0], [width, height], [0, height]];

/** The camera's place, and the corners of its photo `depth` in front of it. */
export const frustum = (camera: PhotoCamera, depth: number): readonly Vec3[] => [
  camera.position,
  ...cornersOf(camera).map((corner) => placeOf(camera, corner, depth)),
];

/** How deep frustums are drawn so that they are seen, and neighbours do not hide each other. */
export function frustumDepth(cameras: readonly PhotoCamera[], radius: number): number {
  const every = Math.ceil(cameras.length / ASKED);
  const nearest = cameras.filter((_, i) => i % every === 0).map((camera) =>
    cameras.reduce((least, other) => (other === camera ? least : Math.min(least, distance(other.position, camera.position))), Infinity),
  );
  const middle = nearest.sort((a, b) => a - b)[nearest.length >> 1] ?? Infinity;
  return clamp(APART * middle, DEPTHS[0] * radius, DEPTHS[1] * radius);
}

/**
 * The pose of a camera that never rolls, nearest to the photo's. Its heading is where the photo looks and where its
 * upper edge is, each as far as it lies on the map: the first counts on the level, the second straight down.
 */
export function poseOf({ position, down, ahead }: PhotoCamera): Pose {
  const sine = clamp(ahead[2], -1, 1);
  const level = Math.sqrt(1 - sine * sine);
  const on = (axis: 0 | 1): number => level * ahead[axis] + sine * down[axis];
  return { position, heading: Math.atan2(on(0), on(1)), pitch: Math.asin(sine) };
}

/** The vertical field of view, radians, in which all of a photo is seen from its own place, at an aspect ratio. */
export function fieldOfView(camera: PhotoCamera, pose: Pose, aspect: number): number {
  const [x, y, z] = [right(pose), up(pose), forward(pose)];
  const reach = cornersOf(camera).map((corner) => {
    const to = sub(placeOf(camera, corner, 1), camera.position);
    const along = dot(to, z);
    return along > 0 ? Math.max(Math.abs(dot(to, y)), Math.abs(dot(to, x)) / aspect) / along : Infinity;
  });
  return clamp(2 * Math.atan(Math.max(...reach)), ...VIEWS);
}

/**
 * The CSS transform that lays an element of `sides` pixels, its origin at the top left of the screen, on the photo's
 * place in the world `depth` in front of its camera; null when a part of that is behind the viewer.
 */
export function laid(camera: PhotoCamera, sides: Vec2, depth: number, pose: Pose, { vertical, width, height }: Screen): string | null {
  const corner = placeOf(camera, [0, 0], depth);
  const step = (axis: Vec3, i: 0 | 1): Vec3 => scale(axis, (depth * camera.size[i]) / camera.focal[i] / sides[i]);
  const steps = [step(camera.across, 0), step(camera.down, 1), sub(corner, pose.position)] as const;
  const pixels = height / 2 / Math.tan(vertical / 2);
  const [x, y, z] = [right(pose), up(pose), forward(pose)];
  // A homography: each column is where a step leads on the screen, times its depth.
  const [a, b, c] = steps.map((to) => {
    const along = dot(to, z);
    return [pixels * dot(to, x) + (width / 2) * along, -pixels * dot(to, y) + (height / 2) * along, along] as const;
  }) as unknown as readonly [Vec3, Vec3, Vec3];
  const inFront = [[0, 0], [1, 0], [1, 1], [0, 1]].every(([u, v]) => u! * sides[0] * a[2] + v! * sides[1] * b[2] + c[2] > 1e-6 * depth);
  if (!inFront) return null;
  const [p, q, r] = [a, b, c].map((column) => column.map((value) => (value / c[2]).toPrecision(12))) as [string[], string[], string[]];
  return `matrix3d(${[p[0], p[1], 0, p[2], q[0], q[1], 0, q[2], 0, 0, 1, 0, r[0], r[1], 0, 1].join(",")})`;
}
