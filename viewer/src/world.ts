import { flat, type Ground, heightMap } from "./ground";
import type { Bounds, Camera, Manifest } from "./manifest";
import { clamp, length, scale, sub, add, type Vec3 } from "./math";
import { MODES, type ModeName } from "./modes/mode";
import { lookAt, type Pose } from "./pose";
import type { Walls } from "./walls";

const EYE_METRES = 1.7;
const WALK_METRES_PER_SECOND = 2.2;
/** In radii: the map of a ground is as low as what was seen in it, and from nearer one sees what grows there from below. */
const CLEAR = 0.04;

/** What the modes know of a scene: its size, its ground, and where to stand. */
export interface World {
  readonly center: Vec3;
  readonly radius: number;
  readonly min: Vec3;
  readonly max: Vec3;
  readonly ground: Ground;
  /** The lowest that a camera in orbit goes: a little above the ground where its author has mapped it, else as low as one likes. */
  readonly floor: Ground;
  /** What stops a walker, where the scene's author has mapped it. */
  readonly walls: Walls | null;
  /** The eye above the ground, world units. */
  readonly eye: number;
  /** World units that are a metre to somebody who stands in the scene. */
  readonly metre: number;
  /** World units per second. */
  readonly walkSpeed: number;
  /** How the scene is first seen. */
  readonly begins: ModeName;
  /** Where it is first seen from. */
  readonly home: Pose;
  readonly walkHome: Pose;
}

/** Builds the world from a manifest, or from the measured bounds alone when a file was dropped. */
export function buildWorld(manifest: Manifest | null, measured: Bounds | null, walls: Walls | null = null): World {
  const bounds = manifest?.bounds ?? measured ?? { min: [-5, -5, 0], max: [5, 5, 3], groundZ: 0 };
  const center = scale(add(bounds.min, bounds.max), 0.5);
  const radius = Math.max(length(sub(bounds.max, bounds.min)) / 2, 1e-3);
  const ground = manifest?.ground ? heightMap(manifest.ground) : flat(bounds.groundZ ?? bounds.min[2]);
  const eye = eyeHeight(manifest, ground, radius);
  const home = manifest?.camera ? pose(manifest.camera) : overview(center, radius);
  return {
    center,
    radius,
    min: bounds.min,
    max: bounds.max,
    ground,
    floor: manifest?.ground ? above(ground, CLEAR * radius, home.position) : flat(-Infinity),
    walls,
    eye,
    metre: eye / EYE_METRES,
    walkSpeed: (eye / EYE_METRES) * WALK_METRES_PER_SECOND,
    begins: startMode(manifest),
    home,
    walkHome: manifest?.walkCamera ? pose(manifest.walkCamera) : atTheEdge(bounds, center),
  };
}

/** 1.7 m where the scene is in metres; elsewhere what its author chose, within reason. */
function eyeHeight(manifest: Manifest | null, ground: Ground, radius: number): number {
  if (manifest?.metadata.metric) return EYE_METRES;
  if (!manifest?.walkCamera) return 0.04 * radius;
  const [x, y, z] = manifest.walkCamera.position;
  return clamp(z - ground(x, y), 0.002 * radius, 0.5 * radius);
}

/** So much above the ground, and less where the scene is seen from nearer to it first: somebody stood there, whatever the map says. */
function above(ground: Ground, height: number, [x, y, z]: Vec3): Ground {
  const clear = Math.min(height, z - ground(x, y));
  return (...place) => ground(...place) + clear;
}

const pose = ({ position, lookAt: target, up }: Camera): Pose => lookAt(position, target, up);

const overview = (center: Vec3, radius: number): Pose =>
  lookAt(add(center, [-0.7 * radius, -1.2 * radius, 0.7 * radius]), center);

/** On the southern edge of the scene, looking to its middle. */
const atTheEdge = ({ min, max }: Bounds, center: Vec3): Pose =>
  lookAt([center[0], min[1] + 0.1 * (max[1] - min[1]), center[2]], center);

/** SplatWalk writes “splat” for its viewer and lists the real modes apart. */
function startMode(manifest: Manifest | null): ModeName {
  const wanted = [manifest?.viewerMode, ...(manifest?.viewerModes ?? [])];
  return MODES.find((mode) => mode === wanted.find((name) => MODES.includes(name as ModeName))) ?? "orbit";
}
