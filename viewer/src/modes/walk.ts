import { add, clamp, lerp, scale, type Vec2, type Vec3 } from "../math";
import { ahead, type Pose, right, rotated } from "../pose";
import type { World } from "../world";
import { look } from "./fly";
import { type Intent, type Mode, quickness, unitsPerPixel, type View } from "./mode";

const LEVEL = [-0.35, 0.35] as const;

/** How fast the eye follows the foot onto a step, per second. */
const RISE = 10;

/** First person with the eye at a fixed height over what is stood on; walls and the scene's bounds stop it. */
export class Walk implements Mode {
  constructor(private readonly world: World) {}

  /** Stands below the camera when that is near what is stood on there, else where the walk starts. */
  enter(pose: Pose): Pose {
    const [x, y, z] = pose.position;
    const near = z - this.world.ground(x, y) - this.above(x, y) < 4 * this.world.eye && this.inside(pose.position);
    const start = rotated(near ? pose : this.world.walkHome, 0, 0, LEVEL);
    const from: Vec2 = [start.position[0], start.position[1]];
    const [east, north] = this.world.walls?.standing(from, (place) => this.inside(place)) ?? from;
    return this.grounded({ ...start, position: [east, north, start.position[2]] });
  }

  /** Walks straight there, as far as nothing stands in the way. */
  visit(pose: Pose, place: Vec3): Pose {
    return this.stand(pose, place, 1);
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const seen = look(pose, intent, seconds);
    const { move, pan, zoom } = intent;
    const step = this.world.walkSpeed * seconds * quickness(intent);
    const pixel = unitsPerPixel(view, 2 * this.world.eye);
    const sideways = scale(right(seen), move[0] * step - pan[0] * pixel);
    const onward = scale(ahead(seen), move[1] * step + pan[1] * pixel + zoom * 2 * this.world.eye);
    return this.stand(seen, add(add(seen.position, sideways), onward), 1 - Math.exp(-RISE * seconds));
  }

  private grounded(pose: Pose): Pose {
    return this.stand(pose, pose.position, 1);
  }

  /** Goes towards a place as far as the way is free, and lifts the eye by a part of the way to its height there. */
  private stand(pose: Pose, to: Vec3, part: number): Pose {
    const { min, max, ground, walls, eye } = this.world;
    const wanted: Vec2 = [clamp(to[0], min[0], max[0]), clamp(to[1], min[1], max[1])];
    const from: Vec2 = [pose.position[0], pose.position[1]];
    const [x, y] = walls ? walls.reach(from, wanted) : wanted;
    const before = pose.position[2] - ground(...from) - eye;
    const lift = lerp(before, this.above(x, y), part);
    return { ...pose, position: [x, y, ground(x, y) + eye + (walls ? lift : 0)] };
  }

  /** How far above the ground one stands, world units. */
  private above(x: number, y: number): number {
    const above = this.world.walls?.above(x, y) ?? 0;
    return above === Infinity ? 0 : above;
  }

  private inside([x, y]: Vec2 | Vec3): boolean {
    const { min, max } = this.world;
    return x >= min[0] && x <= max[0] && y >= min[1] && y <= max[1];
  }
}
