import { smooth, type Vec3 } from "./math";
import { Fly } from "./modes/fly";
import { acrossMap, type Intent, type Mode, type ModeName, moves, type View } from "./modes/mode";
import { Orbit } from "./modes/orbit";
import { TopDown } from "./modes/topdown";
import { Walk } from "./modes/walk";
import type { Place } from "./place";
import { apart, between, type Pose } from "./pose";
import type { World } from "./world";

const GLIDE_SECONDS = 0.9;
/** Time constant with which the camera follows the hand, seconds. */
const FOLLOW_SECONDS = 0.07;
/** Less than a tenth of a pixel. */
const INVISIBLE = 1e-4;
/** Less is arithmetic, not movement: a camera at rest is not drawn, which spares the battery. */
const ROUNDING = 1e-9;

/** The modes, and the glide between where the camera is and where it should be. */
export class Rig {
  mode: ModeName;
  shown: Pose;
  private goal: Pose;
  /** Something else than the hand leads the camera. */
  private led = false;
  /** Whether the camera is, or comes to be, where `stand` has put it: until the person moves. */
  standing = false;
  /** From where somebody looks at the map: until the map is moved. */
  private left: Place | null = null;
  private glide: { from: Pose; elapsed: number } | null = null;
  private readonly modes: Readonly<Record<ModeName, Mode>>;

  /** `still`: the person prefers reduced motion, so the camera jumps instead of gliding; `at`: not where the mode starts. */
  constructor(
    readonly world: World,
    start: ModeName,
    private readonly still: boolean,
    at: Pose | null = null,
  ) {
    this.modes = { orbit: new Orbit(world), fly: new Fly(world), walk: new Walk(world), topdown: new TopDown(world) };
    this.mode = start;
    this.goal = this.modes[start].enter(at ?? this.home(start));
    this.shown = this.goal;
  }

  /** How far the camera is above the ground, world units. */
  get height(): number {
    const [x, y, z] = this.shown.position;
    return z - this.world.ground(x, y);
  }

  /** The scene's size, world units. */
  get unit(): number {
    return this.world.radius;
  }

  /** Shows a pose of a path instead of what the hand asks for; null goes back to where the hand had been, as if nothing was. */
  lead(pose: Pose | null): void {
    this.led = pose !== null;
    this.standing = false;
    if (pose) this.shown = pose;
    else this.glideTo(this.goal);
  }

  setMode(mode: ModeName): void {
    if (this.led) return;
    const left = this.mode === "topdown" ? this.left : { mode: this.mode, pose: this.goal };
    const from = left?.mode === mode ? left.pose : acrossMap(this.mode, mode, this.goal, this.world);
    this.glideTo(this.modes[mode].enter(from));
    this.mode = mode;
    this.left = left;
  }

  goHome(): void {
    if (this.led) return;
    this.go(this.modes[this.mode].enter(this.home(this.mode)));
  }

  visit(place: Vec3): void {
    if (this.led) return;
    this.go(this.modes[this.mode].visit(this.goal, place));
  }

  /**
   * Goes to a pose and stays there, to look around from it; returns the pose nearest to it that there can be, null
   * while something else leads the camera.
   */
  stand(pose: Pose): Pose | null {
    if (this.led) return null;
    this.mode = "fly";
    this.go(this.modes.fly.enter(pose));
    this.standing = true;
    return this.goal;
  }

  /** Moves on by some time. `shown` stays the same object while the camera stands still. */
  update(intent: Intent, seconds: number, view: View): void {
    if (this.led) return;
    if (moves(intent)) this.moved();
    this.goal = this.modes[this.mode].update(this.goal, intent, seconds, view);
    const next = this.follow(seconds);
    if (apart(this.shown, next, this.world.radius) > ROUNDING) this.shown = next;
  }

  private home(mode: ModeName): Pose {
    const { begins, home, walkHome } = this.world;
    if (mode === "walk") return walkHome;
    return begins === "topdown" ? acrossMap(begins, mode, home, this.world) : home;
  }

  private moved(): void {
    this.standing = false;
    this.left = null;
  }

  /** Goes where the person wants to be. */
  private go(goal: Pose): void {
    this.moved();
    this.glideTo(goal);
  }

  private glideTo(goal: Pose): void {
    this.goal = goal;
    this.standing = false;
    if (this.still) this.shown = goal;
    else this.glide = { from: this.shown, elapsed: 0 };
  }

  private follow(seconds: number): Pose {
    if (this.glide) {
      this.glide.elapsed += seconds;
      const t = this.glide.elapsed / GLIDE_SECONDS;
      if (t < 1) return between(this.glide.from, this.goal, smooth(t));
      this.glide = null;
    }
    if (this.still || apart(this.shown, this.goal, this.world.radius) < INVISIBLE) return this.goal;
    return between(this.shown, this.goal, 1 - Math.exp(-seconds / FOLLOW_SECONDS));
  }
}
