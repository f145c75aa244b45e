import { add, dot, scale, sub, type Vec2, type Vec3 } from "./math";
import { forward, type Pose, right, up } from "./pose";

/** The picture: vertical field of view in radians, sides in CSS pixels. */
export interface Screen {
  readonly vertical: number;
  readonly width: number;
  readonly height: number;
}

/** Where a place of the world is on the screen, CSS pixels from the top left; null behind the camera. */
export function project(place: Vec3, pose: Pose, { vertical, width, height }: Screen): Vec2 | null {
  const to = sub(place, pose.position);
  const depth = dot(to, forward(pose));
  if (depth <= 0) return null;
  const pixels = height / 2 / Math.tan(vertical / 2) / depth;
  return [width / 2 + dot(to, right(pose)) * pixels, height / 2 - dot(to, up(pose)) * pixels];
}

/** The place of the world at a place of the screen, `depth` away along the camera's axis. */
export function unproject([x, y]: Vec2, depth: number, pose: Pose, { vertical, width, height }: Screen): Vec3 {
  const unit = (2 * depth * Math.tan(vertical / 2)) / height;
  const aside = add(scale(right(pose), (x - width / 2) * unit), scale(up(pose), (height / 2 - y) * unit));
  return add(add(pose.position, scale(forward(pose), depth)), aside);
}
