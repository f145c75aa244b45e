import { clamp, distance, radians, type Vec3 } from "../math";
import { forward, inFront, NADIR, type Pose } from "../pose";
import type { World } from "../world";

export const MODES = ["orbit", "fly", "walk", "topdown"] as const;
export type ModeName = (typeof MODES)[number];

/** What the person asked for since the last frame, whatever the device. */
export interface Intent {
  /** Drag with the main button or one finger, CSS pixels, y down. */
  readonly drag: readonly [number, number];
  /** Drag with another button or two fingers, CSS pixels. */
  readonly pan: readonly [number, number];
  /** Wheel or pinch: the logarithm of the factor to come nearer by. */
  readonly zoom: number;
  /** Two fingers turned about each other: radians, clockwise on the screen. */
  readonly twist: number;
  /** Keys or the touch pad, each in [−1, 1]: right, ahead, up. */
  readonly move: Vec3;
  /** Arrow keys, each in [−1, 1]: clockwise, upwards. */
  readonly turn: readonly [number, number];
  readonly fast: boolean;
  /** How fast the person chose to be, times the usual. */
  readonly pace: number;
}

/** Nothing is asked for. */
export const REST: Intent = { drag: [0, 0], pan: [0, 0], zoom: 0, twist: 0, move: [0, 0, 0], turn: [0, 0], fast: false, pace: 1 };

/** Whether the person moves at all. */
export const moves = ({ drag, pan, zoom, twist, move, turn }: Intent): boolean =>
  [...drag, ...pan, zoom, twist, ...move, ...turn].some((value) => value !== 0);

/** The picture: vertical field of view in radians, height in CSS pixels. */
export interface View {
  readonly vertical: number;
  readonly height: number;
}

/** A way to move. It sees no engine and no events: pose and intent in, pose out. */
export interface Mode {
  /** Takes over from whatever came before and returns the pose to glide to. */
  enter(pose: Pose): Pose;
  /** Goes to a place somebody pointed at, and returns the pose to glide to. */
  visit(pose: Pose, place: Vec3): Pose;
  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose;
}

/** Of the way to a place, what is left when it was visited. */
export const NEAR = 0.4;
export const LOOK_PER_PIXEL = 0.0032;
export const TURN_PER_SECOND = 1.4;
const FAST = 3;
/** From so many of a scene's radii above its middle all of it is seen. */
export const OVERVIEW = 1.2;
const SLANT = radians(-50);
/** Of the distance to what is looked at, what keys go in a second: the picture goes by in about three. */
const PER_DISTANCE = 1 / 3;
/** What can be chosen for `pace`. */
export const PACES: readonly number[] = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8];

/** How much faster than usual keys, pad and sticks move. */
export const quickness = ({ fast, pace }: Intent): number => pace * (fast ? FAST : 1);

/**
 * How fast keys move what is so far away, world units per second: in proportion to the distance, so that the picture
 * goes by as fast from near as from far. Distances end at the scene's radius: whoever looks at all of it, as on the
 * map or from further still, needs six seconds from end to end, and is not beyond it in a moment.
 */
export const keySpeed = (away: number, { radius }: World): number => PER_DISTANCE * Math.min(away, radius);

/** World units that one CSS pixel covers at a distance. */
export const unitsPerPixel = (view: View, along: number): number =>
  (2 * along * Math.tan(view.vertical / 2)) / Math.max(1, view.height);

/** What the camera looks at: where its ray meets the ground, or a point at the scene's distance. */
export function focus(pose: Pose, world: World): Vec3 {
  const farthest = 4 * world.radius;
  const ground = world.ground(pose.position[0], pose.position[1]);
  const drop = -forward(pose)[2];
  const toGround = drop > 0.05 ? (pose.position[2] - ground) / drop : Infinity;
  const toCenter = distance(pose.position, world.center);
  return inFront(pose, clamp(toGround > 0 && toGround < farthest ? toGround : toCenter, 0.05 * world.radius, farthest));
}

/**
 * Where a mode takes over from another. A map is seen from straight above, where nobody orbits, flies or walks, and
 * shows in its middle where somebody walked, not what was looked at from there.
 */
export function acrossMap(before: ModeName, mode: ModeName, pose: Pose, world: World): Pose {
  if (before === "walk" && mode === "topdown") return risen(pose, world);
  if (before !== "topdown" || mode === "topdown") return pose;
  return mode === "walk" ? landed(pose, world) : aslant(pose, world);
}

/** Straight above, high enough to see the middle of the scene as well. */
function risen({ position: [x, y], heading }: Pose, { ground, center, radius }: World): Pose {
  const away = Math.hypot(x - center[0], y - center[1]);
  return { position: [x, y, ground(x, y) + OVERVIEW * radius + away], heading, pitch: NADIR };
}

/** On the ground in the middle of the map, on the level, with what was up on the map ahead. */
function landed({ position: [x, y], heading }: Pose, { ground, eye }: World): Pose {
  return { position: [x, y, ground(x, y) + eye], heading, pitch: 0 };
}

/** What a map shows, seen from as far, but no steeper than the splat that turns in the job's thread. */
function aslant(pose: Pose, world: World): Pose {
  const target = focus(pose, world);
  const slanted = { ...pose, position: target, pitch: Math.max(pose.pitch, SLANT) };
  return { ...slanted, position: inFront(slanted, -distance(pose.position, target)) };
}
