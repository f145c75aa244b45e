import {
  AppBase,
  AppOptions,
  CameraComponentSystem,
  Color,
  FILLMODE_NONE,
  GSplatComponentSystem,
  RESOLUTION_AUTO,
  WebglGraphicsDevice,
} from "playcanvas";
import { ViewerError } from "../errors";
import type { Vec3 } from "../math";
import type { Pose } from "../pose";
import { type Screen, unproject } from "../screen";
import { texts } from "../texts";
import { Detail } from "./detail";
import { Layers } from "./layers";
import { Lens } from "./lens";
import type { Clip } from "./modifier";
import { Pacing } from "./pacing";
import { Picking } from "./picking";
import { Resolution } from "./resolution";
import { Side } from "./side";

const STILL_AFTER_MS = 250;
const BACKGROUND = new Color(0x0d / 255, 0x10 / 255, 0x14 / 255);

/** The engine, and one scene or two beside each other, seen from the same place. It draws only when something changed, to spare batteries. */
export class Stage {
  /** Frames drawn since the start. */
  frames = 0;
  /** The person prefers reduced motion. */
  readonly still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  onFrame: (seconds: number) => void = () => {};
  /** A frame was drawn; its pixels are there until this returns. */
  onDrawn: () => void = () => {};
  readonly lens = new Lens(this.still);
  /** Whether the lens has moved in this turn of the page. */
  zooming = false;
  private readonly app: AppBase;
  readonly first: Side;
  private second: Side | null = null;
  /** The share of the width that is the first one's. */
  private divided = 1;
  private radius = 1;
  private cut: Clip | null = null;
  private readonly resolution: Resolution;
  private readonly pacing: Pacing;
  /** Gaussians of the frame that was drawn last. */
  private inFlight = 0;
  private readonly detail = new Detail();
  private placed: Pose | null = null;
  private changedAt = 0;
  private movedAt = -Infinity;
  /** A picture is taken: the resolution is that of what stands still. */
  private posing = false;
  /** Something is to be drawn. */
  private wanted = false;
  private drawnAt = 0;
  private settled: (() => void)[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    const device = createDevice(canvas);
    this.resolution = new Resolution(Math.min(devicePixelRatio, 2));
    this.pacing = new Pacing(device.gl);
    this.app = createApp(canvas, device);
    Picking.prepare(this.app);
    this.first = new Side(this.app, BACKGROUND, 0, () => this.changed());
    this.drawOnDemand();
    this.app.start();
  }

  /** Makes room for a second scene; nothing of it is seen until the stage is divided. */
  openSecond(): Side {
    this.closeSecond();
    this.second = new Side(this.app, BACKGROUND, 1, () => this.changed());
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
    this.moved();
  }

  /** Of what is on the stage, draws only what is inside a box, or again all of it. */
  clip(clip: Clip | null): void {
    this.cut = clip;
    for (const side of this.sides) side.clip(clip);
    this.changed();
  }

  setScale(radius: number): void {
    this.radius = radius;
  }

  private get sides(): readonly Side[] {
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
    this.moved();
  }

  private moved(): void {
    this.movedAt = performance.now();
    this.changed();
  }

  /** Something visible changed: draw. */
  changed(): void {
    this.changedAt = performance.now();
    this.wanted = true;
  }

  /** Resolves when the Gaussians shown so far are sorted and on the screen. */
  async settle(): Promise<void> {
    this.changed();
    for (const side of this.sides) side.ready = false;
    await new Promise<void>((resolve) => this.settled.push(resolve));
  }

  /** Resolves when a frame was drawn in which everything is settled. */
  async seen(): Promise<void> {
    await this.settle();
    await new Promise<void>((resolve) => {
      this.app.once("postrender", () => resolve());
      this.changed();
    });
  }

  /** What is on the screen, all of it and in all its pixels, as a PNG; null where the browser makes none. */
  async picture(): Promise<Blob | null> {
    this.posing = true;
    await this.settle();
    return new Promise((resolve) => {
      // In the frame itself: after it the browser may have thrown its pixels away.
      this.app.once("postrender", () => {
        this.canvas.toBlob(resolve);
        this.posing = false;
      });
      this.changed();
    });
  }

  private drawOnDemand(): void {
    const { app } = this;
    app.autoRender = false;
    app.on("update", (seconds: number) => this.tick(seconds));
    app.on("prerender", () => this.share());
    app.on("postrender", () => this.drawn());
    app.systems.gsplat!.on("frame:request", () => (this.wanted = true));
    app.systems.gsplat!.on("frame:ready", (camera: unknown, _layer: unknown, ready: boolean) => this.sorted(camera, ready));
    new ResizeObserver(() => this.changed()).observe(this.canvas);
  }

  /** The canvas has the size of the frame that is drawn now. */
  private share(): void {
    this.first.crop(0, this.divided);
    this.second?.crop(this.divided, 1);
  }

  private sorted(camera: unknown, ready: boolean): void {
    for (const side of this.sides) if (side.camera === camera) side.ready = ready;
    const shown = this.sides.filter(({ visible }) => visible);
    if (shown.length > 0 && shown.every((side) => side.ready)) for (const resolve of this.settled.splice(0)) resolve();
  }

  private tick(seconds: number): void {
    const step = Math.min(seconds, 0.1);
    this.zooming = this.lens.step(step);
    if (this.zooming) this.moved();
    this.onFrame(step);
    for (const side of this.sides) side.lens(this.fieldOfView.vertical, this.radius);
    const still = this.posing || performance.now() - this.changedAt > STILL_AFTER_MS;
    for (const side of this.sides) this.choose(side);
    const ratio = this.resolution.ratio(still);
    if (ratio !== this.app.graphicsDevice.maxPixelRatio) {
      this.app.graphicsDevice.maxPixelRatio = ratio;
      this.wanted = true;
    }
    if (!this.pacing.idle || !this.wanted) return;
    this.detail.measured(this.pacing.took, this.inFlight);
    this.wanted = false;
    this.app.renderNextFrame = true;
  }

  /** Shows more levels when they are here and nothing moves, or as many as can be moved. */
  private choose({ subject: layers, loading }: Side): void {
    if (!(layers instanceof Layers) || layers.sums.length === 0) return;
    const sums = layers.sums.map((sum) => sum * this.sides.length); // two scenes share the time of a frame
    const bearable = this.detail.levels(sums);
    const moving = loading || performance.now() - this.movedAt < STILL_AFTER_MS;
    const count = moving ? bearable : sums.length;
    if (count === layers.drawn) return;
    const more = count > layers.drawn;
    layers.draw(count);
    const atOnce = this.still || bearable < sums.length; // each step is a frame of all
    if (more) void this.settle().then(() => layers.fit(atOnce));
  }

  private drawn(): void {
    this.frames++;
    this.onDrawn();
    this.pacing.drawn();
    this.inFlight = this.sides.reduce((sum, { subject }) => sum + (subject instanceof Layers ? subject.shown : 0), 0);
    const now = performance.now();
    if (now - this.changedAt < STILL_AFTER_MS && now - this.drawnAt < 2000) this.resolution.measured(now - this.drawnAt);
    this.drawnAt = now;
  }
}

function createDevice(canvas: HTMLCanvasElement): WebglGraphicsDevice {
  try {
    return new WebglGraphicsDevice(canvas, { antialias: false, powerPreference: "high-performance" });
  } catch {
    throw new ViewerError(...texts.errors.noWebgl);
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
