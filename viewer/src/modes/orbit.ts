import { add, clamp, distance, mix, scale, type Vec3 } from "../math";
import { ahead, forward, lookAt, type Pose, right, rotated, up } from "../pose";
import type { World } from "../world";
import { focus, type Intent, keySpeed, LOOK_PER_PIXEL, type Mode, NEAR, quickness, TURN_PER_SECOND, unitsPerPixel, type View } from "./mode";

const PITCH = [-1.55, 0.6] as const;

/** Turns around a point; keys and the second button shift that point. */
export class Orbit implements Mode {
  private target: Vec3;

  constructor(private readonly world: World) {
    this.target = world.center;
  }

  enter(pose: Pose): Pose {
    this.target = focus(pose, this.world);
    return lookAt(pose.position, this.target, up(pose));
  }

  visit(pose: Pose, place: Vec3): Pose {
    this.target = place;
    return lookAt(mix(place, pose.position, NEAR), place, up(pose));
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const away = distance(pose.position, this.target);
    const along = clamp(away * Math.exp(-intent.zoom), 0.01 * this.world.radius, 8 * this.world.radius);
    const turned = rotated(
      pose,
      intent.drag[0] * LOOK_PER_PIXEL * 1.6 + intent.turn[0] * TURN_PER_SECOND * seconds - intent.twist,
      -intent.drag[1] * LOOK_PER_PIXEL * 1.6 - intent.turn[1] * TURN_PER_SECOND * seconds,
      PITCH,
    );
    this.target = add(this.target, this.shift(turned, intent, along, seconds, view));
    return { ...turned, position: add(this.target, scale(forward(turned), -along)) };
  }

  private shift(pose: Pose, intent: Intent, along: number, seconds: number, view: View): Vec3 {
    const { pan, move } = intent;
    const pixel = unitsPerPixel(view, along);
    const step = keySpeed(along, this.world) * seconds * quickness(intent);
    const sideways = scale(right(pose), move[0] * step - pan[0] * pixel);
    const vertical = add(scale(up(pose), pan[1] * pixel), [0, 0, move[2] * step]);
    return add(add(sideways, vertical), scale(ahead(pose), move[1] * step));
  }
}
