import type { AppBase, WebglGraphicsDevice } from "playcanvas";
import { Detail } from "./detail";
import { Layers } from "./layers";
import { Pacing } from "./pacing";
import { Painter } from "./painter";
import { Resolution } from "./resolution";
import type { Side } from "./side";

const STILL_AFTER_MS = 250;

/** What is drawn: one scene or two. */
export interface Scenery {
  readonly sides: readonly Side[];
  /** Gives each side its part of the frame that is drawn now, which has so many pixels. */
  share(width: number, height: number): void;
}

/** Who draws for something else than the screen, a headset: it leads the camera and says how much is drawn. */
export interface Guest {
  levels(sums: readonly number[]): number;
  /** Once in each turn; whether something is to be drawn. */
  step(seconds: number): boolean;
}

/** Draws only when something changed, to spare batteries, and as much at a time as the renderer can bear. */
export class Drawing {
  /** Frames drawn since the start. */
  frames = 0;
  /** A frame was drawn; its pixels are there until this returns. */
  onDrawn: () => void = () => {};
  private readonly resolution = new Resolution(Math.min(devicePixelRatio, 2));
  private readonly pacing: Pacing;
  private readonly painter: Painter;
  private readonly detail = new Detail();
  private movedAt = -Infinity;
  /** A picture is taken: the resolution is that of what stands still. */
  private posing = false;
  /** Something is to be drawn. */
  private wanted = false;
  /** Pixels to a pixel of the page: wanted, and of the picture that was begun last. */
  private ratio = 1;
  private painted = 1;
  private drawnAt = 0;
  /** Called when all that is shown is sorted and on the screen: its commands are given, then carried out. */
  private settled: (() => void)[] = [];
  private given: (() => void)[] = [];
  /** Called in the frame in which the next picture is finished. */
  private finished: (() => void)[] = [];

  /** `still`: the person prefers reduced motion. */
  constructor(
    private readonly app: AppBase,
    private readonly canvas: HTMLCanvasElement,
    device: WebglGraphicsDevice,
    private readonly scenery: Scenery,
    private readonly still: boolean,
  ) {
    this.pacing = new Pacing(device.gl);
    this.painter = new Painter(device);
    this.listen();
  }

  private listen(): void {
    const { app, painter } = this;
    app.autoRender = false;
    app.on("prerender", () => this.prepare());
    app.scene.on("prerender", (camera: unknown) => this.sides.filter((side) => side.camera === camera).forEach((side) => painter.load(side)));
    app.on("postrender", () => this.drawn());
    app.systems.gsplat!.on("frame:request", () => (this.wanted = true));
    app.systems.gsplat!.on("frame:ready", (camera: unknown, _layer: unknown, ready: boolean) => this.sorted(camera, ready));
    new ResizeObserver(() => this.moved()).observe(this.canvas);
  }

  private get sides(): readonly Side[] {
    return this.scenery.sides;
  }

  /** Something moves: what can be drawn at once is, and all of it when nothing moves any more. */
  moved(): void {
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

  /** The canvas, or what is painted beside it, has the size of the frame that is drawn now. */
  private prepare(): void {
    this.scenery.share(this.painter.width, this.painter.height);
    this.painter.prepare(this.sides);
  }

  private sorted(camera: unknown, ready: boolean): void {
    for (const side of this.sides) if (side.camera === camera) side.ready = ready;
  }

  /** A turn of the page: draws what there is to draw. */
  step(): void {
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

  /** A turn of a guest, each frame whole and at once: a headset shows its pictures whether they are finished or not. */
  entertain(guest: Guest, { subject }: Side, seconds: number): void {
    this.look();
    if (!guest.step(seconds) || !this.pacing.ready) return; // the headset shows the one before again
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
