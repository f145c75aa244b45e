import { type AppBase, type CameraComponent, type Color, Entity, Layer, Mat4, type Mesh, type MeshInstance, Quat, Vec4 } from "playcanvas";
import { clamp } from "../math";
import { forward, type Pose, right, up } from "../pose";
import { Cloud } from "./cloud";
import { Layers } from "./layers";
import type { Clip } from "./modifier";
import { Picking } from "./picking";
import { FIRST, TOGETHER } from "./shaders";

/** The engine rounds down: with this much more, pixels, a whole number stays what it is. */
const WHOLE = 1e-3;

/**
 * A scene on the stage, with a camera and a layer of its own. Where there are two, both cameras stand in the same
 * place, and each draws its part of the one picture.
 */
export class Side {
  subject: Cloud | Layers | null = null;
  /** More levels are on their way: a slow renderer leaves them the time. */
  loading = false;
  /** What is shown of it is sorted, and was before this frame. */
  ready = false;
  wasReady = false;
  readonly entity: Entity;
  private readonly layer: Layer;
  private picking: Picking | null = null;
  private cut: Clip | null = null;
  /** The part of the picture, shares of its width, and the picture's aspect ratio. */
  private span: readonly [number, number] = [0, 1];
  private aspect = 1;
  /** Instances of all that is sorted, while a part of them is drawn. */
  private instances = 0;

  /** `after`: how many sides are drawn before this one; `changed` is told when there is something to draw. */
  constructor(
    private readonly app: AppBase,
    private readonly mesh: Mesh,
    readonly background: Color,
    private readonly after: number,
    private readonly changed: () => void,
  ) {
    this.layer = new Layer({ name: `side ${after}` });
    app.scene.layers.push(this.layer);
    this.entity = new Entity("camera", app);
    this.entity.addComponent("camera", { clearColor: background, priority: after, layers: [this.layer.id] });
    this.camera.calculateProjection = (matrix) => this.project(matrix);
    app.root.addChild(this.entity);
  }

  get camera(): CameraComponent {
    return this.entity.camera!;
  }

  /** Whether something of it can be on the screen. */
  get visible(): boolean {
    return this.subject?.visible ?? false;
  }

  /** Empties this side for a new scene of `expected` Gaussians, when that is known. */
  newCloud(expected: number | null): Cloud {
    return this.put(new Cloud(this.app.graphicsDevice, this.layer.id, expected));
  }

  /** Empties this side for a new scene in levels of detail. */
  newLayers(): Layers {
    return this.put(new Layers(this.app.graphicsDevice, this.layer.id, this.changed));
  }

  /**
   * Whether the scene was trained with what is smaller than a pixel made as much fainter as the screen makes it larger
   * (Mip-Splatting's 2D filter, Yu et al. 2024). The engine knows one answer for all it draws: that of the first side.
   */
  filter(trained: boolean): void {
    if (this.after === 0) this.app.scene.gsplat.antiAlias = trained;
  }

  /** Another level is here; `complete` when it is the last. The stage chooses what is drawn of it. */
  refine(complete: boolean): void {
    this.loading = !complete;
  }

  place(pose: Pose): void {
    const [a, b, c] = [right(pose), up(pose), forward(pose)];
    const [x, y, z] = pose.position;
    const matrix = new Mat4();
    // Columns: right, up, backwards: a camera of the engine looks along its −z.
    matrix.data.set([a[0], a[1], a[2], 0, b[0], b[1], b[2], 0, -c[0], -c[1], -c[2], 0, x, y, z, 1]);
    this.entity.setPosition(x, y, z);
    this.entity.setRotation(new Quat().setFromMat4(matrix));
  }

  /** Vertical field of view of the whole picture, radians, and the scene's size. */
  lens(vertical: number, radius: number): void {
    Object.assign(this.camera, { fov: (vertical * 180) / Math.PI, nearClip: Math.max(radius * 2e-4, 1e-4), farClip: radius * 100 });
  }

  /** What is shown is sorted and, in a frame before this one, gathered for drawing. */
  get gathered(): boolean {
    return this.ready && this.wasReady;
  }

  /** Nothing of it is sorted yet. */
  get empty(): boolean {
    return this.instances === 0;
  }

  /** Draws at most so many Gaussians from one on, in the order of drawing, until `restore`; tells how many. */
  part(first: number, most: number): number {
    const { drawn } = this;
    this.instances = 0;
    if (!drawn) return 0;
    if (drawn.mesh !== this.mesh) drawn.mesh = this.mesh;
    this.instances = drawn.instancingCount;
    drawn.instancingCount = clamp(this.instances - first / TOGETHER, 0, most / TOGETHER);
    this.app.graphicsDevice.scope.resolve(FIRST).setValue(first);
    return drawn.instancingCount * TOGETHER;
  }

  /** Lets all be drawn again; tells how many Gaussians these are. */
  restore(): number {
    const { drawn } = this;
    if (!drawn) return 0;
    drawn.instancingCount = this.instances;
    this.app.graphicsDevice.scope.resolve(FIRST).setValue(0);
    return this.instances * TOGETHER;
  }

  /** What the engine draws all Gaussians with. */
  private get drawn(): MeshInstance | undefined {
    return this.layer.meshInstances[0];
  }

  /** Draws from one share of the picture's width to another, in whole pixels of `width`; one at least. */
  crop(from: number, to: number, width: number, aspect: number): void {
    this.aspect = aspect;
    const left = clamp(Math.round(from * width), 0, width - 1);
    const right = clamp(Math.round(to * width), left + 1, width);
    const share = (pixels: number): number => (pixels === width ? 1 : (pixels + WHOLE) / width);
    this.span = [left / width, right / width];
    this.camera.rect = new Vec4(left === 0 ? 0 : share(left), 0, share(right - left), 1);
  }

  /** Draws it, or leaves it out as a whole. */
  show(shown: boolean): void {
    this.entity.enabled = shown;
  }

  /** Draws only what is inside a box. */
  clip(clip: Clip | null): void {
    this.cut = clip;
    this.subject?.clip(clip);
  }

  /** How far away what is seen at a place of the screen is; see `Picking.depth`. */
  async depth(x: number, y: number, width: number, height: number): Promise<number | null> {
    this.picking ??= new Picking(this.app, this.camera);
    return this.picking.depth(x, y, width, height);
  }

  destroy(): void {
    this.subject?.destroy();
    this.entity.destroy();
    this.app.scene.layers.remove(this.layer);
  }

  private put<T extends Cloud | Layers>(subject: T): T {
    this.subject?.destroy();
    this.subject = subject;
    this.app.root.addChild(subject.entity);
    subject.clip(this.cut);
    return subject;
  }

  /** The projection of the whole picture, of which this side's part fills the viewport. */
  private project(matrix: Mat4): void {
    const { fov, nearClip, farClip } = this.camera;
    const [from, to] = this.span;
    matrix.setPerspective(fov, this.aspect, nearClip, farClip);
    matrix.data[0]! /= to - from;
    matrix.data[8] = (from + to - 1) / (to - from);
  }
}
