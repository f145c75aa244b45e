import { add, clamp, scale, type Vec3 } from "../math";
import { ahead, type Pose, right, rotated } from "../pose";
import type { World } from "../world";
import { look } from "./fly";
import { FAST, type Intent, type Mode, unitsPerPixel, type View } from "./mode";

const LEVEL = [-0.35, 0.35] as const;

/** First person with the eye at a fixed height over the ground; the scene's bounds are the fence. */
export class Walk implements Mode {
  constructor(private readonly world: World) {}

  /** Stands below the camera when it looks at the scene from near, else where the walk starts. */
  enter(pose: Pose): Pose {
    const [x, y, z] = pose.position;
    const near = z - this.world.ground(x, y) < 4 * this.world.eye && this.inside(pose.position);
    return this.grounded(rotated(near ? pose : this.world.walkHome, 0, 0, LEVEL));
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const seen = look(pose, intent, seconds);
    const { move, pan, zoom } = intent;
    const step = this.world.walkSpeed * seconds * (intent.fast ? FAST : 1);
    const pixel = unitsPerPixel(view, 2 * this.world.eye);
    const sideways = scale(right(seen), move[0] * step - pan[0] * pixel);
    const onward = scale(ahead(seen), move[1] * step + pan[1] * pixel + zoom * 2 * this.world.eye);
    return this.grounded({ ...seen, position: add(add(seen.position, sideways), onward) });
  }

  private grounded(pose: Pose): Pose {
    const { min, max, ground, eye } = this.world;
    const x = clamp(pose.position[0], min[0], max[0]);
    const y = clamp(pose.position[1], min[1], max[1]);
    return { ...pose, position: [x, y, ground(x, y) + eye] };
  }

  private inside([x, y]: Vec3): boolean {
    const { min, max } = this.world;
    return x >= min[0] && x <= max[0] && y >= min[1] && y <= max[1];
  }
}
