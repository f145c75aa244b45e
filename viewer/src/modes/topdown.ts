import { add, clamp, scale, type Vec3 } from "../math";
import { distance } from "../math";
import { ahead, NADIR, type Pose, right } from "../pose";
import type { World } from "../world";
import { focus, type Intent, keySpeed, type Mode, NEAR, OVERVIEW, quickness, TURN_PER_SECOND, unitsPerPixel, type View } from "./mode";

/** A map: straight down; dragging keeps the ground under the finger. */
export class TopDown implements Mode {
  constructor(private readonly world: World) {}

  /** Rises over what the camera looked at, to where the scene is seen; who is over it already, as by a link, stays there. */
  enter(pose: Pose): Pose {
    if (pose.pitch === NADIR) return pose;
    const target = focus(pose, this.world);
    const away = Math.max(distance(pose.position, target), OVERVIEW * this.world.radius);
    return { position: add(target, [0, 0, away]), heading: pose.heading, pitch: NADIR };
  }

  visit(pose: Pose, place: Vec3): Pose {
    const away = NEAR * (pose.position[2] - place[2]);
    return { ...pose, position: this.within(place, place[2] + away, this.world.ground(place[0], place[1])) };
  }

  update(pose: Pose, intent: Intent, seconds: number, view: View): Pose {
    const { drag, pan, move, turn, twist, zoom } = intent;
    const [x, y, z] = pose.position;
    const ground = this.world.ground(x, y);
    const height = z - ground;
    const pixel = unitsPerPixel(view, height);
    const step = keySpeed(height, this.world) * seconds * quickness(intent);
    const heading = pose.heading + turn[0] * TURN_PER_SECOND * seconds - twist;
    const turned = { ...pose, heading };
    const sideways = scale(right(turned), move[0] * step - (drag[0] + pan[0]) * pixel);
    const onward = scale(ahead(turned), move[1] * step + (drag[1] + pan[1]) * pixel);
    const lifted = height * Math.exp(-zoom) + move[2] * step;
    return { position: this.within(add(add([x, y, 0], sideways), onward), ground + lifted, ground), heading, pitch: NADIR };
  }

  private within([x, y]: Vec3, z: number, ground: number): Vec3 {
    const { center, radius } = this.world;
    const near = (value: number, middle: number): number => clamp(value, middle - 2 * radius, middle + 2 * radius);
    return [near(x, center[0]), near(y, center[1]), clamp(z, ground + 0.05 * radius, ground + 6 * radius)];
  }
}
