import { add, clamp, distance, lerp, mix, scale, sub, turn, type Vec3 } from "./math";

/**
 * A camera that never rolls, in the world frame of the manifest (right-handed, Z up).
 * Heading is clockwise from +Y (north) seen from above, pitch is up from the horizon; radians.
 * Unlike a look-at matrix it has no singular point when it looks straight down.
 */
export interface Pose {
  readonly position: Vec3;
  readonly heading: number;
  readonly pitch: number;
}

export const NADIR = -Math.PI / 2;

export function forward({ heading, pitch }: Pose): Vec3 {
  const level = Math.cos(pitch);
  return [level * Math.sin(heading), level * Math.cos(heading), Math.sin(pitch)];
}

export const right = ({ heading }: Pick<Pose, "heading">): Vec3 => [Math.cos(heading), -Math.sin(heading), 0];

export function up({ heading, pitch }: Pose): Vec3 {
  const tilt = Math.sin(pitch);
  return [-tilt * Math.sin(heading), -tilt * Math.cos(heading), Math.cos(pitch)];
}

/** `forward` laid on the ground plane. */
export const ahead = ({ heading }: Pick<Pose, "heading">): Vec3 => [Math.sin(heading), Math.cos(heading), 0];

/** The pose at `position` that looks at `target`; `above` sets the heading when that is straight down. */
export function lookAt(position: Vec3, target: Vec3, above: Vec3 = [0, 1, 0]): Pose {
  const [x, y, z] = sub(target, position);
  const level = Math.hypot(x, y);
  const pitch = Math.atan2(z, level);
  const nearlyVertical = level < 1e-3 * Math.abs(z) || (level === 0 && z === 0);
  const heading = nearlyVertical ? Math.atan2(above[0], above[1]) : Math.atan2(x, y);
  return { position, heading, pitch };
}

export function rotated(pose: Pose, heading: number, pitch: number, range: readonly [number, number]): Pose {
  return {
    position: pose.position,
    heading: pose.heading + heading,
    pitch: clamp(pose.pitch + pitch, range[0], range[1]),
  };
}

export const moved = (pose: Pose, by: Vec3): Pose => ({ ...pose, position: add(pose.position, by) });

export function between(a: Pose, b: Pose, t: number): Pose {
  return {
    position: mix(a.position, b.position, t),
    heading: a.heading + turn(a.heading, b.heading) * t,
    pitch: lerp(a.pitch, b.pitch, t),
  };
}

/** How far apart two poses look on the screen, roughly: radians, with distance measured in `unit`. */
export function apart(a: Pose, b: Pose, unit: number): number {
  const angle = Math.abs(turn(a.heading, b.heading)) + Math.abs(a.pitch - b.pitch);
  return distance(a.position, b.position) / unit + angle;
}

/** The point `along` units in front of the camera. */
export const inFront = (pose: Pose, along: number): Vec3 =>
  add(pose.position, scale(forward(pose), along));
