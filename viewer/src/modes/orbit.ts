import { add, clamp, distance, first, mix, scale, type Vec3 } from "../math";
import { ahead, inFront, lookAt, type Pose, right, rotated, up } from "../pose";
import type { World } from "../world";
import { focus, type Intent, keySpeed, LOOK_PER_PIXEL, type Mode, NEAR, quickness, TURN_PER_SECOND, unitsPerPixel, type View } from "./mode";

const PITCH = [-1.55, 0.6] as const;
/** In radii: what an address rounds off. */
const ROUNDING = 1e-5;

/**
 * Turns around a point; keys and the second button shift that point. Where the ground is known the camera stays above
 * it: what would lead below tilts it down instead, from as far (as CesiumJS does in `adjustHeightForTerrain`), until it
 * is over the hill, or further from the ground again.
 */
export class Orbit implements Mode {
  private target: Vec3;
  /** The pitch that was asked for last. */
  private asked = 0;

  constructor(private readonly world: World) {
    this.target = world.center;
  }

  enter(pose: Pose): Pose {
    const target = this.seen(pose);
    this.target = this.isBelow(pose) ? this.lifted(target) : target; // a link, or a flight, may lead anywhere
    return this.look(pose.position, up(pose));
  }

  visit(pose: Pose, place: Vec3): Pose {
    this.target = place;
    return this.look(mix(place, pose.position, NEAR), up(pose));
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const away = distance(pose.position, this.target);
    const along = clamp(away * Math.exp(-intent.zoom), 0.01 * this.world.radius, 8 * this.world.radius);
    const tilts = intent.drag[1] !== 0 || intent.turn[1] !== 0;
    const turned = rotated(
      tilts ? pose : { ...pose, pitch: this.asked },
      intent.drag[0] * LOOK_PER_PIXEL * 1.6 + intent.turn[0] * TURN_PER_SECOND * seconds - intent.twist,
      -intent.drag[1] * LOOK_PER_PIXEL * 1.6 - intent.turn[1] * TURN_PER_SECOND * seconds,
      PITCH,
    );
    this.asked = turned.pitch;
    this.target = this.shifted(this.shift(turned, intent, along, seconds, view));
    return this.overFloor(this.around(turned, along));
  }

  /** What a camera looks at, or the hill before that. */
  private seen(pose: Pose): Vec3 {
    const { ground, radius } = this.world;
    const isUnder = ([x, y, z]: Vec3): boolean => z < ground(x, y);
    const target = focus(pose, this.world);
    if (isUnder(pose.position)) return target;
    const along = first(0, distance(pose.position, target), 200, (way) => isUnder(inFront(pose, way)));
    return inFront(pose, Math.max(along, 0.05 * radius));
  }

  /** Looks at the target from a place. */
  private look(from: Vec3, above: Vec3): Pose {
    const pose = lookAt(from, this.target, above);
    this.asked = pose.pitch;
    return this.overFloor(pose);
  }

  /** The pose that looks at the target from so far. */
  private around(pose: Pose, along: number): Pose {
    return { ...pose, position: inFront({ ...pose, position: this.target }, -along) };
  }

  /** A pose that looks at the target, or one that is as much steeper as the floor demands. */
  private overFloor(pose: Pose): Pose {
    if (!this.isBelow(pose)) return pose;
    const along = distance(pose.position, this.target);
    const tilted = (pitch: number): Pose => this.around({ ...pose, pitch }, along);
    const over = tilted(first(pose.pitch, PITCH[0], 100, (pitch) => this.height(tilted(pitch).position) >= 0));
    return { ...over, position: this.lifted(over.position) }; // of a target deep in a hill even straight above may be below
  }

  private isBelow({ position }: Pose): boolean {
    return this.height(position) < -ROUNDING * this.world.radius;
  }

  /** Above the floor, world units; Infinity where there is none. */
  private height([x, y, z]: Vec3): number {
    return z - this.world.floor(x, y);
  }

  private lifted([x, y, z]: Vec3): Vec3 {
    return [x, y, Math.max(z, this.world.floor(x, y))];
  }

  /** The target elsewhere, no deeper below the floor than it is: along the ground it follows that. */
  private shifted(by: Vec3): Vec3 {
    const [x, y, z] = add(this.target, by);
    return [x, y, Math.max(z, this.world.floor(x, y) + Math.min(0, this.height(this.target)))];
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
