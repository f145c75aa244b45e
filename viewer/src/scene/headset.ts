import { type AppBase, Color, Entity, Quat, Vec3 as EngineVec3, XRSPACE_LOCALFLOOR, XrManager } from "playcanvas";
import { hands } from "../hands";
import type { Immersive } from "../headset";
import { gaussiansWorn, handheld } from "../limits";
import { clamp } from "../math";
import { type Head, Immersed } from "../modes/immersed";
import type { ModeName } from "../modes/mode";
import type { Pose } from "../pose";
import type { World } from "../world";
import { Budget } from "./budget";
import type { Guest } from "./drawing";
import type { Side } from "./side";
import "./stage"; // the engine's file, which would be cut in two without this
import type { Stage } from "./stage";

/** What is nearer is not drawn, metres. */
const NEAR = 0.05;
/** Pictures a second where a headset does not tell how many it shows. */
const USUAL_RATE = 72;
const NOTHING = new Color(0, 0, 0, 0);
const DEGREES = 180 / Math.PI;

/** Where somebody enters a scene, and how they move in it. */
export interface Entrance {
  readonly world: World;
  readonly mode: ModeName;
  readonly pose: Pose;
  /** The person prefers reduced motion. */
  readonly still: boolean;
}

/**
 * A headset in the place of the screen. The camera stands on an entity, its floor, which is turned, since up is y to a
 * headset, and as large as a metre is in the scene. Every frame is drawn whole, for each eye.
 */
export class Headset implements Guest {
  private readonly floor = new Entity("floor");
  private inside: { readonly immersed: Immersed; readonly pose: Pose; begun: boolean } | null = null;
  private budget = new Budget(Infinity);

  private constructor(
    readonly kind: Immersive,
    private readonly stage: Stage,
    private readonly app: AppBase,
    private readonly side: Side,
    private readonly xr: XrManager,
  ) {
    app.root.addChild(this.floor);
  }

  /** Resolves when somebody may enter. */
  static async of(kind: Immersive, stage: Stage, app: AppBase, side: Side): Promise<Headset> {
    const xr = (app.xr ??= new XrManager(app));
    if (!xr.isAvailable(kind)) await new Promise((resolve) => xr.once(`available:${kind}`, resolve));
    return new Headset(kind, stage, app, side, xr);
  }

  /** Enters the scene, soon after a click, as browsers demand. Resolves when it was left, and rejects where it could not be entered. */
  async wear({ world, mode, pose, still }: Entrance): Promise<void> {
    this.inside = { immersed: new Immersed(world, mode, still), pose, begun: false };
    this.budget = new Budget(gaussiansWorn(handheld()));
    this.floor.setLocalScale(world.metre, world.metre, world.metre);
    try {
      await this.session((100 * world.radius) / world.metre);
    } finally {
      this.inside = null;
      this.leave();
    }
  }

  end(): void {
    if (this.xr.active) this.xr.end();
  }

  /** Where the eyes are in the scene, and where they look; null while nobody is there. */
  get pose(): Pose | null {
    if (!this.inside?.begun) return null;
    const { x, y, z } = this.side.entity.getPosition();
    const looks = this.side.entity.forward;
    return { position: [x, y, z], heading: Math.atan2(looks.x, looks.y), pitch: Math.asin(clamp(looks.z, -1, 1)) };
  }

  /** Of levels that add up to `sums` Gaussians, the number to draw. */
  levels(sums: readonly number[]): number {
    return this.budget.levels(sums);
  }

  /** Before a frame: moves the floor; whether there is something to draw for. */
  step(seconds: number): boolean {
    const { inside, xr } = this;
    if (!inside || xr.views.list.length === 0) return false;
    const head = this.head();
    if (inside.begun) inside.immersed.step(head, hands(xr.input.inputSources), seconds);
    else inside.immersed.begin(inside.pose, head);
    inside.begun = true;
    this.budget.frame(1000 * seconds, 1000 / (xr.frameRate ?? USUAL_RATE));
    this.stand(inside.immersed);
    return true;
  }

  /** `far` in metres. */
  private session(far: number): Promise<void> {
    const { camera } = this.side;
    Object.assign(camera, { nearClip: NEAR, farClip: far });
    return new Promise((resolve, reject) => {
      const callback = (error: Error | null): void => (error ? reject(error) : this.enter(resolve));
      this.xr.start(camera, this.kind, XRSPACE_LOCALFLOOR, { callback });
    });
  }

  private enter(left: () => void): void {
    this.xr.once("end", left);
    this.floor.addChild(this.side.entity);
    if (this.kind === "immersive-ar") this.side.camera.clearColor = NOTHING; // the room is seen where nothing is
    this.app.scene.gsplat.radialSorting = true; // else whoever turns the head sees the order change
    this.stage.receive(this);
  }

  private leave(): void {
    this.app.root.addChild(this.side.entity);
    this.side.camera.clearColor = this.side.background;
    this.app.scene.gsplat.radialSorting = false;
    this.stage.receive(null);
  }

  /** The engine has put the camera where the head is on the floor. */
  private head(): Head {
    const { entity } = this.side;
    const { x, y, z } = entity.getLocalPosition();
    const looks = entity.getLocalRotation().transformVector(EngineVec3.FORWARD);
    return { place: [x, -z, y], heading: Math.atan2(looks.x, -looks.z), pitch: Math.asin(clamp(looks.y, -1, 1)) };
  }

  private stand({ floor: [x, y, z], heading }: Immersed): void {
    this.floor.setLocalPosition(x, y, z);
    const upright = new Quat().setFromEulerAngles(90, 0, 0);
    this.floor.setLocalRotation(new Quat().setFromAxisAngle(EngineVec3.FORWARD, heading * DEGREES).mul(upright));
  }
}
