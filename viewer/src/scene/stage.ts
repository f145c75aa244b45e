import {
  AppBase,
  AppOptions,
  CameraComponentSystem,
  Color,
  FILLMODE_NONE,
  GSplatComponentSystem,
  type Mesh,
  RESOLUTION_AUTO,
  WebglGraphicsDevice,
} from "playcanvas";
import { ViewerError } from "../errors";
import type { Vec3 } from "../math";
import type { Pose } from "../pose";
import { type Screen, unproject } from "../screen";
import { errors } from "../texts/errors";
import { Drawing, type Guest, type Scenery } from "./drawing";
import { Lens } from "./lens";
import type { Clip } from "./modifier";
import { Picking } from "./picking";
import { drawParts, triangles } from "./shaders";
import { Side } from "./side";

const BACKGROUND = new Color(0x0d / 255, 0x10 / 255, 0x14 / 255);

/** The engine, and one scene or two beside each other, seen from the same place. */
export class Stage implements Scenery {
  /** The person prefers reduced motion. */
  readonly still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  onFrame: (seconds: number) => void = () => {};
  readonly lens = new Lens(this.still);
  /** Whether the lens has moved in this turn of the page. */
  zooming = false;
  readonly drawing: Drawing;
  readonly first: Side;
  private readonly app: AppBase;
  private readonly mesh: Mesh;
  private second: Side | null = null;
  /** The share of the width that is the first one's. */
  private divided = 1;
  private radius = 1;
  private cut: Clip | null = null;
  private placed: Pose | null = null;
  private guest: Guest | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const device = createDevice(canvas);
    this.app = createApp(canvas, device);
    drawParts(device);
    Picking.prepare(this.app);
    this.mesh = triangles(device);
    this.first = new Side(this.app, this.mesh, BACKGROUND, 0, () => this.drawing.changed());
    this.drawing = new Drawing(this.app, canvas, device, this, this.still);
    this.app.on("update", (seconds: number) => this.tick(seconds));
    this.app.start();
  }

  /** Makes room for a second scene; nothing of it is seen until the stage is divided. */
  openSecond(): Side {
    this.closeSecond();
    this.second = new Side(this.app, this.mesh, BACKGROUND, 1, () => this.drawing.changed());
    if (this.placed) this.second.place(this.placed);
    this.second.clip(this.cut);
    this.divide(1);
    return this.second;
  }

  closeSecond(): void {
    this.second?.destroy();
    this.second = null;
    this.divide(1);
  }

  /** Draws the second scene right of this share of the width, and the first one left of it. */
  divide(at: number): void {
    this.divided = at;
    this.drawing.moved();
  }

  /** Of what is on the stage, draws only what is inside a box, or again all of it. */
  clip(clip: Clip | null): void {
    this.cut = clip;
    for (const side of this.sides) side.clip(clip);
    this.drawing.moved(); // a slider is dragged, perhaps
  }

  setScale(radius: number): void {
    this.radius = radius;
  }

  /** Makes a guest, which has to know the engine and the first scene's side. */
  prepare<T>(make: (app: AppBase, side: Side) => T): T {
    return make(this.app, this.first);
  }

  /** A guest draws the first scene from now on, and nothing else moves; null sends it away. */
  receive(guest: Guest | null): void {
    this.guest = guest;
    this.second?.show(guest === null);
    if (guest || !this.placed) return;
    for (const side of this.sides) side.place(this.placed);
    this.drawing.moved();
  }

  get sides(): readonly Side[] {
    return this.second ? [this.first, this.second] : [this.first];
  }

  get fieldOfView(): Screen {
    const aspect = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
    return { vertical: this.lens.vertical(aspect), width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** Whether the second scene is at a place of the screen, CSS pixels from its left edge. */
  inSecond(x: number): boolean {
    return this.second !== null && x >= this.divided * this.canvas.clientWidth;
  }

  /** The place in the scene under a place of the screen, CSS pixels; null where nothing is. */
  async pick(x: number, y: number): Promise<Vec3 | null> {
    const { placed, fieldOfView } = this;
    if (!placed) return null;
    const side = this.second && this.inSecond(x) ? this.second : this.first;
    const depth = await side.depth(x, y, fieldOfView.width, fieldOfView.height);
    return depth === null ? null : unproject([x, y], depth, placed, fieldOfView);
  }

  place(pose: Pose): void {
    if (pose === this.placed) return;
    this.placed = pose;
    for (const side of this.sides) side.place(pose);
    this.drawing.moved();
  }

  share(width: number, height: number): void {
    this.first.crop(0, this.guest ? 1 : this.divided, width, width / height);
    this.second?.crop(this.divided, 1, width, width / height);
  }

  private tick(seconds: number): void {
    const step = Math.min(seconds, 0.1);
    if (this.guest) return this.drawing.entertain(this.guest, this.first, step);
    this.zooming = this.lens.step(step);
    if (this.zooming) this.drawing.moved();
    this.onFrame(step);
    for (const side of this.sides) side.lens(this.fieldOfView.vertical, this.radius);
    this.drawing.step();
  }
}

function createDevice(canvas: HTMLCanvasElement): WebglGraphicsDevice {
  try {
    return new WebglGraphicsDevice(canvas, { antialias: false, powerPreference: "high-performance" });
  } catch {
    throw new ViewerError(...errors.noWebgl);
  }
}

function createApp(canvas: HTMLCanvasElement, device: WebglGraphicsDevice): AppBase {
  const options = new AppOptions();
  options.graphicsDevice = device;
  options.componentSystems = [CameraComponentSystem, GSplatComponentSystem];
  const app = new AppBase(canvas);
  app.init(options);
  app.setCanvasFillMode(FILLMODE_NONE);
  app.setCanvasResolution(RESOLUTION_AUTO);
  return app;
}
