import {
  AppBase,
  AppOptions,
  CameraComponentSystem,
  Color,
  Entity,
  FILLMODE_NONE,
  GSplatComponentSystem,
  Mat4,
  Quat,
  RESOLUTION_AUTO,
  WebglGraphicsDevice,
} from "playcanvas";
import { ViewerError } from "../errors";
import type { Vec3 } from "../math";
import { forward, type Pose, right, up } from "../pose";
import { type Screen, unproject } from "../screen";
import { texts } from "../texts";
import { Cloud } from "./cloud";
import { Detail } from "./detail";
import { Layers } from "./layers";
import { Lens } from "./lens";
import type { Clip } from "./modifier";
import { Pacing } from "./pacing";
import { Picking } from "./picking";
import { Resolution } from "./resolution";

const STILL_AFTER_MS = 250;
const BACKGROUND = new Color(0x0d / 255, 0x10 / 255, 0x14 / 255);

/** The engine, the camera and the cloud. It draws only when something changed, to spare batteries. */
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
  private readonly camera: Entity;
  private readonly resolution: Resolution;
  private readonly pacing: Pacing;
  /** Gaussians of the frame that was drawn last. */
  private inFlight = 0;
  private picking: Picking | null = null;
  private readonly detail = new Detail();
  private subject: Cloud | Layers | null = null;
  private placed: Pose | null = null;
  private changedAt = 0;
  private movedAt = -Infinity;
  /** A picture is taken: the resolution is that of what stands still. */
  private posing = false;
  /** Something is to be drawn. */
  private wanted = false;
  /** More levels are on their way: a slow renderer leaves them the time. */
  private loading = false;
  private drawnAt = 0;
  private settled: (() => void)[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    const device = createDevice(canvas);
    this.resolution = new Resolution(Math.min(devicePixelRatio, 2));
    this.pacing = new Pacing(device.gl);
    this.app = createApp(canvas, device);
    Picking.prepare(this.app);
    this.camera = new Entity("camera", this.app);
    this.camera.addComponent("camera", { clearColor: BACKGROUND });
    this.app.root.addChild(this.camera);
    this.drawOnDemand();
    this.app.start();
  }

  /** Empties the stage for a new scene of `expected` Gaussians, when that is known. */
  newCloud(expected: number | null): Cloud {
    return this.put(new Cloud(this.app.graphicsDevice, expected));
  }

  /** Empties the stage for a new scene in levels of detail. */
  newLayers(): Layers {
    return this.put(new Layers(this.app.graphicsDevice, () => this.changed()));
  }

  /** Another level is here; `complete` when it is the last. */
  refine(complete: boolean): void {
    this.loading = !complete;
    this.choose();
  }

  /** Of the scene that is on the stage, draws only what is inside a box, or again all of it. */
  clip(clip: Clip | null): void {
    this.subject?.clip(clip);
    this.changed();
  }

  setScale(radius: number): void {
    const camera = this.camera.camera!;
    camera.nearClip = Math.max(radius * 2e-4, 1e-4);
    camera.farClip = radius * 100;
  }

  get fieldOfView(): Screen {
    const aspect = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
    return { vertical: this.lens.vertical(aspect), width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  /** The place in the scene under a place of the screen, CSS pixels; null where nothing is. */
  async pick(x: number, y: number): Promise<Vec3 | null> {
    const { camera, placed, fieldOfView } = this;
    if (!placed) return null;
    this.picking ??= new Picking(this.app, camera.camera!);
    const depth = await this.picking.depth(x, y, fieldOfView.width, fieldOfView.height);
    return depth === null ? null : unproject([x, y], depth, placed, fieldOfView);
  }

  place(pose: Pose): void {
    if (pose === this.placed) return;
    this.placed = pose;
    const [x, y, z] = [right(pose), up(pose), forward(pose)];
    const [px, py, pz] = pose.position;
    const matrix = new Mat4();
    // Columns: right, up, backwards: a camera of the engine looks along its −z.
    matrix.data.set([x[0], x[1], x[2], 0, y[0], y[1], y[2], 0, -z[0], -z[1], -z[2], 0, px, py, pz, 1]);
    this.camera.setPosition(px, py, pz);
    this.camera.setRotation(new Quat().setFromMat4(matrix));
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

  private put<T extends Cloud | Layers>(subject: T): T {
    this.subject?.destroy();
    this.subject = subject;
    this.app.root.addChild(subject.entity);
    return subject;
  }

  private drawOnDemand(): void {
    const { app } = this;
    app.autoRender = false;
    app.on("update", (seconds: number) => this.tick(seconds));
    app.on("postrender", () => this.drawn());
    app.systems.gsplat!.on("frame:request", () => (this.wanted = true));
    app.systems.gsplat!.on("frame:ready", (_camera: unknown, _layer: unknown, ready: boolean) => {
      if (ready && this.subject && this.subject.count > 0) for (const resolve of this.settled.splice(0)) resolve();
    });
    new ResizeObserver(() => this.changed()).observe(this.canvas);
  }

  private tick(seconds: number): void {
    const step = Math.min(seconds, 0.1);
    this.zooming = this.lens.step(step);
    if (this.zooming) this.moved();
    this.onFrame(step);
    this.camera.camera!.fov = (this.fieldOfView.vertical * 180) / Math.PI;
    const still = this.posing || performance.now() - this.changedAt > STILL_AFTER_MS;
    this.choose();
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
  private choose(): void {
    const layers = this.subject;
    if (!(layers instanceof Layers) || layers.sums.length === 0) return;
    const moving = this.loading || performance.now() - this.movedAt < STILL_AFTER_MS;
    const count = moving ? this.detail.levels(layers.sums) : layers.sums.length;
    if (count === layers.drawn) return;
    const more = count > layers.drawn;
    layers.draw(count);
    const atOnce = this.still || this.detail.levels(layers.sums) < layers.sums.length; // each step is a frame of all
    if (more) void this.settle().then(() => layers.fit(atOnce));
  }

  private drawn(): void {
    this.frames++;
    this.onDrawn();
    this.pacing.drawn();
    this.inFlight = this.subject instanceof Layers ? this.subject.shown : 0;
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
