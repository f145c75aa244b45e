import { add, clamp, mix, scale, type Vec3 } from "../math";
import { ahead, forward, lookAt, moved, type Pose, right, rotated, up } from "../pose";
import type { World } from "../world";
import { type Intent, keySpeed, LOOK_PER_PIXEL, type Mode, NEAR, quickness, TURN_PER_SECOND, unitsPerPixel, type View } from "./mode";

export const LOOK_RANGE = [-1.55, 1.55] as const;

/** Mouse or finger drags and arrow keys turn the head: shared by flying and walking. */
export function look(pose: Pose, { drag, turn }: Intent, seconds: number): Pose {
  return rotated(
    pose,
    -drag[0] * LOOK_PER_PIXEL + turn[0] * TURN_PER_SECOND * seconds,
    drag[1] * LOOK_PER_PIXEL + turn[1] * TURN_PER_SECOND * seconds,
    LOOK_RANGE,
  );
}

/** Of a small scene's radius, what keys fly in a second near its ground, where a walker would be faster. */
const SMALL = 1 / 6;

/** W A S D on the plane, Q and E up and down, whatever the camera's pitch; faster the higher it is. */
export class Fly implements Mode {
  constructor(private readonly world: World) {}

  enter(pose: Pose): Pose {
    return rotated(pose, 0, 0, LOOK_RANGE);
  }

  visit(pose: Pose, place: Vec3): Pose {
    return rotated(lookAt(mix(place, pose.position, NEAR), place, up(pose)), 0, 0, LOOK_RANGE);
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const seen = look(pose, intent, seconds);
    const height = this.height(pose);
    const step = this.speed(height) * seconds * quickness(intent);
    const pixel = unitsPerPixel(view, height);
    const { move, pan, zoom } = intent;
    const plane = add(scale(right(seen), move[0]), scale(ahead(seen), move[1]));
    const keys = scale(add(plane, [0, 0, move[2]]), step);
    const drag: Vec3 = add(scale(right(seen), -pan[0] * pixel), scale(up(seen), pan[1] * pixel));
    return this.fence(moved(seen, add(add(keys, drag), scale(forward(seen), zoom * height))));
  }

  /** How fast keys fly, world units per second: as somebody walks, and more the higher it is. */
  private speed(height: number): number {
    const { walkSpeed, radius } = this.world;
    return Math.min(walkSpeed, SMALL * radius) + keySpeed(height, this.world);
  }

  private height(pose: Pose): number {
    const [x, y, z] = pose.position;
    return clamp(Math.abs(z - this.world.ground(x, y)), 0.05 * this.world.radius, this.world.radius);
  }

  /** Nobody finds back from a hundred scenes away. */
  private fence(pose: Pose): Pose {
    const { center, radius } = this.world;
    const near = (axis: 0 | 1 | 2): number => clamp(pose.position[axis], center[axis] - 8 * radius, center[axis] + 8 * radius);
    return { ...pose, position: [near(0), near(1), near(2)] };
  }
}
