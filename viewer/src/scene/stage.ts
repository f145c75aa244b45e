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
import { Detail } from "./detail";
import { Layers } from "./layers";
import { Lens } from "./lens";
import type { Clip } from "./modifier";
import { Pacing } from "./pacing";
import { Painter } from "./painter";
import { Picking } from "./picking";
import { Resolution } from "./resolution";
import { drawParts, triangles } from "./shaders";
import { Side } from "./side";

const STILL_AFTER_MS = 250;
const BACKGROUND = new Color(0x0d / 255, 0x10 / 255, 0x14 / 255);

/** Who draws for something else than the screen, a headset: it leads the camera and says how much is drawn. */
export interface Guest {
  levels(sums: readonly number[]): number;
  /** Once in each turn; whether something is to be drawn. */
  step(seconds: number): boolean;
}

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
  private readonly painter: Painter;
  private readonly mesh: Mesh;
  private readonly detail = new Detail();
  private placed: Pose | null = null;
  private movedAt = -Infinity;
  /** A picture is taken: the resolution is that of what stands still. */
  private posing = false;
  /** Something is to be drawn. */
  private wanted = false;
  /** Pixels to a pixel of the page: wanted, and of the picture that was begun last. */
  private ratio = 1;
  private painted = 1;
  private drawnAt = 0;
  private guest: Guest | null = null;
  /** Called when all that is shown is sorted and on the screen: its commands are given, then carried out. */
  private settled: (() => void)[] = [];
  private given: (() => void)[] = [];
  /** Called in the frame in which the next picture is finished. */
  private finished: (() => void)[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    const device = createDevice(canvas);
    this.resolution = new Resolution(Math.min(devicePixelRatio, 2));
    this.pacing = new Pacing(device.gl);
    this.painter = new Painter(device);
    this.app = createApp(canvas, device);
    drawParts(device);
    Picking.prepare(this.app);
    this.mesh = triangles(device);
    this.first = new Side(this.app, this.mesh, BACKGROUND, 0, () => this.changed());
    this.drawOnDemand();
    this.app.start();
  }

  /** Makes room for a second scene; nothing of it is seen until the stage is divided. */
  openSecond(): Side {
    this.closeSecond();
    this.second = new Side(this.app, this.mesh, BACKGROUND, 1, () => this.changed());
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
    this.moved(); // a slider is dragged, perhaps
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
    this.moved();
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

  /** Something moves: what can be drawn at once is, and all of it when nothing moves any more. */
  private moved(): void {
    this.movedAt = performance.now();
    this.changed();
  }

  /** Something visible changed: draw. */
  changed(): void {
    this.wanted = true;
  }

  /** Resolves when the Gaussians shown so far are sorted and on the screen. */
  async settle(): Promise<void> {
    this.changed();
    for (const side of this.sides) side.ready = false;
    await new Promise<void>((resolve) => this.settled.push(resolve));
  }

  /** What is on the screen, all of it and in all its pixels, as a PNG; null where the browser makes none. */
  async picture(): Promise<Blob | null> {
    this.posing = true;
    await this.settle();
    return new Promise((resolve) => {
      // In the frame itself: after it the browser may have thrown its pixels away.
      this.finished.push(() => {
        this.canvas.toBlob(resolve);
        this.posing = false;
      });
      this.changed();
    });
  }

  private drawOnDemand(): void {
    const { app, painter } = this;
    app.autoRender = false;
    app.on("update", (seconds: number) => this.tick(seconds));
    app.on("prerender", () => this.share());
    app.scene.on("prerender", (camera: unknown) => this.sides.filter((side) => side.camera === camera).forEach((side) => painter.load(side)));
    app.on("postrender", () => this.drawn());
    app.systems.gsplat!.on("frame:request", () => (this.wanted = true));
    app.systems.gsplat!.on("frame:ready", (camera: unknown, _layer: unknown, ready: boolean) => this.sorted(camera, ready));
    new ResizeObserver(() => this.moved()).observe(this.canvas);
  }

  /** The canvas, or what is painted beside it, has the size of the frame that is drawn now. */
  private share(): void {
    const { width, height } = this.painter;
    this.first.crop(0, this.guest ? 1 : this.divided, width, width / height);
    this.second?.crop(this.divided, 1, width, width / height);
    this.painter.prepare(this.sides);
  }

  private sorted(camera: unknown, ready: boolean): void {
    for (const side of this.sides) if (side.camera === camera) side.ready = ready;
  }

  private tick(seconds: number): void {
    const step = Math.min(seconds, 0.1);
    if (this.guest) return this.entertain(this.guest, step);
    this.zooming = this.lens.step(step);
    if (this.zooming) this.moved();
    this.onFrame(step);
    for (const side of this.sides) side.lens(this.fieldOfView.vertical, this.radius);
    for (const side of this.sides) this.choose(side);
    const ratio = this.resolution.ratio(this.posing || !this.moving);
    if (ratio !== this.ratio) {
      this.ratio = ratio;
      this.wanted = true;
    }
    if (this.look()) this.detail.measured(this.pacing.took, this.pacing.finished);
    this.draw();
  }

  /** Takes note of what the graphics card has finished; whether something was. */
  private look(): boolean {
    const some = this.pacing.look();
    if (this.pacing.idle) for (const resolve of this.given.splice(0)) resolve();
    return some;
  }

  /** Each frame whole and at once: a headset shows its pictures whether they are finished or not. */
  private entertain(guest: Guest, seconds: number): void {
    this.look();
    if (!guest.step(seconds) || !this.pacing.ready) return; // the headset shows the one before again
    const { subject } = this.first;
    if (subject instanceof Layers && subject.sums.length > 0) subject.draw(guest.levels(subject.sums), true);
    this.painter.begin(null, 0, 0);
    this.app.renderNextFrame = true;
  }

  private draw(): void {
    const { app, canvas, detail, pacing, painter, ratio, wanted } = this;
    if (!(wanted ? pacing.idle : painter.busy && pacing.ready)) return;
    if (wanted) {
      this.wanted = false;
      const strokes = !detail.known || (!this.moving && this.shown > detail.stroke);
      this.painted = ratio;
      if (!strokes) app.graphicsDevice.maxPixelRatio = ratio; // the canvas takes it when it is drawn to
      painter.begin(strokes ? detail.stroke : null, Math.floor(canvas.clientWidth * ratio), Math.floor(canvas.clientHeight * ratio));
      pacing.begin();
    }
    app.renderNextFrame = true;
  }

  /** Gaussians that are to be drawn. */
  private get shown(): number {
    return this.sides.reduce((sum, { subject }) => sum + (subject?.shown ?? 0), 0);
  }

  private get moving(): boolean {
    return performance.now() - this.movedAt < STILL_AFTER_MS;
  }

  /** Shows more levels when they are here and nothing moves, or as many as can be moved. */
  private choose(side: Side): void {
    const { subject: layers, loading } = side;
    if (!(layers instanceof Layers) || layers.sums.length === 0) return;
    const sums = layers.sums.map((sum) => sum * this.sides.length); // two scenes share the time of a frame
    const bearable = this.detail.levels(sums);
    const still = loading ? this.detail.passing(sums) : sums.length;
    const count = this.moving ? bearable : still;
    const more = count > layers.drawn;
    const begun = this.wanted || this.painter.busy || !side.ready; // a picture that nobody has seen yet comes first
    if (count === layers.drawn || (more && loading && layers.drawn > 0 && begun)) return;
    const atOnce = this.still || bearable < sums.length; // each step is a frame of all
    layers.draw(count, atOnce);
    if (more && !atOnce) void this.settle().then(() => layers.fit());
  }

  private drawn(): void {
    const finished = this.painter.lift(this.sides);
    this.pacing.drawn(this.painter.drew);
    if (!finished) return;
    this.app.graphicsDevice.maxPixelRatio = this.painted;
    this.app.updateCanvasSize();
    this.painter.show();
    this.frames++;
    this.onDrawn();
    for (const call of this.finished.splice(0)) call();
    const visible = this.sides.filter((side) => side.visible);
    if (visible.length > 0 && visible.every(({ ready }) => ready)) this.given.push(...this.settled.splice(0));
    const now = performance.now();
    if (this.moving && now - this.drawnAt < 2000) this.resolution.measured(now - this.drawnAt);
    this.drawnAt = now;
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
