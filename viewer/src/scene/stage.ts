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
import { radians } from "../math";
import { forward, type Pose, right, up } from "../pose";
import { texts } from "../texts";
import { Cloud } from "./cloud";
import { Layers } from "./layers";
import { Resolution } from "./resolution";

/** Of the shorter side of the picture, degrees. */
const FIELD_OF_VIEW = 52;
const STILL_AFTER_MS = 250;
const BACKGROUND = new Color(0x0d / 255, 0x10 / 255, 0x14 / 255);

/** The engine, the camera and the cloud. It draws only when something changed, to spare batteries. */
export class Stage {
  /** Frames drawn since the start. */
  frames = 0;
  /** The person prefers reduced motion. */
  readonly still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  onFrame: (seconds: number) => void = () => {};
  private readonly app: AppBase;
  private readonly camera: Entity;
  private readonly resolution: Resolution;
  private subject: Cloud | Layers | null = null;
  private placed: Pose | null = null;
  private changedAt = 0;
  private drawnAt = 0;
  private settled: (() => void)[] = [];

  constructor(private readonly canvas: HTMLCanvasElement) {
    const device = createDevice(canvas);
    this.resolution = new Resolution(Math.min(devicePixelRatio, 2));
    this.app = createApp(canvas, device);
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

  setScale(radius: number): void {
    const camera = this.camera.camera!;
    camera.nearClip = Math.max(radius * 2e-4, 1e-4);
    camera.farClip = radius * 100;
  }

  get fieldOfView(): { vertical: number; height: number } {
    const aspect = this.canvas.clientWidth / Math.max(1, this.canvas.clientHeight);
    const half = Math.tan(radians(FIELD_OF_VIEW) / 2);
    const vertical = 2 * Math.atan(aspect >= 1 ? half : half / aspect);
    return { vertical, height: this.canvas.clientHeight };
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
    this.changed();
  }

  /** Something visible changed: draw. */
  changed(): void {
    this.changedAt = performance.now();
    this.app.renderNextFrame = true;
  }

  /** Resolves when the Gaussians shown so far are sorted and on the screen. */
  async settle(): Promise<void> {
    this.changed();
    await new Promise<void>((resolve) => this.settled.push(resolve));
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
    app.systems.gsplat!.on("frame:request", () => (app.renderNextFrame = true));
    app.systems.gsplat!.on("frame:ready", (_camera: unknown, _layer: unknown, ready: boolean) => {
      if (ready && this.subject && this.subject.count > 0) for (const resolve of this.settled.splice(0)) resolve();
    });
    new ResizeObserver(() => this.changed()).observe(this.canvas);
  }

  private tick(seconds: number): void {
    this.onFrame(Math.min(seconds, 0.1));
    this.camera.camera!.fov = (this.fieldOfView.vertical * 180) / Math.PI;
    const still = performance.now() - this.changedAt > STILL_AFTER_MS;
    const ratio = this.resolution.ratio(still);
    if (ratio === this.app.graphicsDevice.maxPixelRatio) return;
    this.app.graphicsDevice.maxPixelRatio = ratio;
    this.app.renderNextFrame = true;
  }

  private drawn(): void {
    this.frames++;
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
