import type { Hands } from "../hands";
import { add, scale, sub, type Vec3 } from "../math";
import { ahead, type Pose, right } from "../pose";
import type { World } from "../world";
import { Fly } from "./fly";
import { type Intent, type Mode, type ModeName, REST } from "./mode";
import { Walk } from "./walk";

/** The head over the floor that the headset has found: metres to the right, ahead and up; radians clockwise and upwards. */
export interface Head {
  readonly place: Vec3;
  readonly heading: number;
  readonly pitch: number;
}

/** A turn at once: being turned smoothly makes many people sick. */
const SNAP = Math.PI / 6;
/** How far a stick has to be pushed to count, and to come back before it counts again. */
const FAR = 0.7;
const BACK = 0.35;
/** The way of a jump, in seconds of the usual speed. */
const JUMP_SECONDS = 1;
/** Modes measure drags in pixels; a headset has none. */
const VIEW = { vertical: 1, height: 1 };

/**
 * Where the floor of somebody who wears a headset is in the scene. The sticks move that floor as keys move the camera
 * when flying or walking; the head moves over it by itself.
 */
export class Immersed {
  floor: Vec3 = [0, 0, 0];
  heading = 0;
  private readonly mode: Mode;
  private readonly turned = new Push();
  private readonly jumped = new Push();

  /** `still`: the person prefers reduced motion, so that each push of a stick is a jump. */
  constructor(
    private readonly world: World,
    mode: ModeName,
    private readonly still: boolean,
  ) {
    this.mode = mode === "walk" ? new Walk(world) : new Fly(world);
  }

  /** Puts the eyes where the camera is, and the floor as far below as for somebody who stands. */
  begin({ position, heading }: Pose, head: Head): void {
    this.heading = heading - head.heading;
    const [x, y] = sub(position, this.over(head.place));
    this.floor = [x, y, position[2] - this.world.eye];
  }

  /** Some time goes by. */
  step(head: Head, hands: Hands, seconds: number): void {
    if (this.turned.push(Math.abs(hands.turn))) this.turn(head, Math.sign(hands.turn) * SNAP);
    const move = wish(head, hands);
    const jumps = this.jumped.push(Math.max(...move.map(Math.abs)));
    if (!this.still) this.move(head, { ...REST, move, fast: hands.fast }, seconds);
    else if (jumps) this.move(head, { ...REST, move, fast: hands.fast }, JUMP_SECONDS);
  }

  /** A way over the floor, metres right, ahead and up, in the scene. */
  private over([aside, onward, high]: Vec3): Vec3 {
    const level = add(scale(right(this), aside), scale(ahead(this), onward));
    return scale(add(level, [0, 0, high]), this.world.metre);
  }

  /** Around the head, which stays where it is. */
  private turn({ place }: Head, clockwise: number): void {
    const before = this.over(place);
    this.heading += clockwise;
    this.floor = add(this.floor, sub(before, this.over(place)));
  }

  /** The modes know one height of the eyes: that of somebody who stands. */
  private move({ place, heading }: Head, intent: Intent, seconds: number): void {
    const [x, y] = add(this.floor, this.over(place));
    const stands: Pose = { position: [x, y, this.floor[2] + this.world.eye], heading: this.heading + heading, pitch: 0 };
    const next = this.mode.update(stands, intent, seconds, VIEW);
    this.floor = add(this.floor, sub(next.position, stands.position));
  }
}

function wish({ pitch }: Head, { move, onward }: Hands): Vec3 {
  return onward ? add(move, [0, Math.cos(pitch), Math.sin(pitch)]) : move;
}

/** A stick that is pushed counts once, until it has come back. */
class Push {
  private out = false;

  push(amount: number): boolean {
    const before = this.out;
    this.out = amount > (before ? BACK : FAR);
    return this.out && !before;
  }
}
