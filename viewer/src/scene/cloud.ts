import { BoundingBox, Entity, type GraphicsDevice, GSplatContainer, GSplatFormat, PIXELFORMAT_RGBA32U, Vec3 as EngineVec3 } from "playcanvas";
import { WORDS } from "../formats/records";
import { MAX_COORDINATE } from "../limits";
import { type Clip, modify, setClip } from "./modifier";

// The shader reads .splat records as they are, so loading is a copy and nothing is lost to half floats.
const READ = /* glsl */ `
  uvec4 words0;
  uvec4 words4;
  vec4 bytes(uint word) { return vec4(uvec4(word, word >> 8u, word >> 16u, word >> 24u) & 255u); }
  vec3 getCenter() { words0 = loadHead(); words4 = loadTail(); return uintBitsToFloat(words0.xyz); }
  vec4 getColor() { return bytes(words4.z) / 255.0; }
  vec3 getScale() { return vec3(uintBitsToFloat(words0.w), uintBitsToFloat(words4.xy)); }
  vec4 getRotation() { return normalize(bytes(words4.w) - 128.0 + 1e-6); }
`;
const HALF = WORDS / 2;
const FIRST_CAPACITY = 1 << 16;

/**
 * The Gaussians on the graphics card. `append` takes records as they arrive, `show` makes them visible; the
 * first records of a .splat matter most, so a part is already a picture. `layer` is the engine's, where they are drawn.
 */
export class Cloud {
  readonly entity = new Entity("cloud");
  count = 0;
  private container: GSplatContainer;
  private head!: Uint32Array;
  private tail!: Uint32Array;
  /** Gaussians that are drawn. */
  shown = 0;
  private cut: Clip | null = null;
  private readonly box = new BoundingBox();
  private low = [Infinity, Infinity, Infinity];
  private high = [-Infinity, -Infinity, -Infinity];

  constructor(
    private readonly device: GraphicsDevice,
    private readonly layer: number,
    expected: number | null,
  ) {
    this.container = this.allocate(expected ?? FIRST_CAPACITY);
  }

  get centers(): { readonly values: Float32Array; readonly count: number } {
    return { values: this.container.centers, count: this.count };
  }

  /** Whether enough came since the last `show` to be worth an upload; doubling keeps the total cost linear. */
  get worthShowing(): boolean {
    return this.count >= 2 * this.shown && this.count > 0;
  }

  /** Whether something of it can be on the screen. */
  get visible(): boolean {
    return this.shown > 0;
  }

  append(records: Uint32Array): void {
    const added = records.length / WORDS;
    if (this.count + added > this.container.maxSplats) this.grow(this.count + added);
    const floats = new Float32Array(records.buffer, records.byteOffset, records.length);
    for (let i = 0; i < added; i++) this.put(this.count + i, records, floats, i * WORDS);
    this.count += added;
  }

  show(): void {
    if (this.count === 0) return;
    for (const name of ["head", "tail"]) this.container.getTexture(name)!.upload();
    this.box.setMinMax(new EngineVec3(this.low), new EngineVec3(this.high));
    this.container.aabb.copy(this.box);
    this.container.update(this.count);
    this.shown = this.count;
    if (!this.entity.gsplat) {
      this.entity.addComponent("gsplat", { layers: [this.layer] });
      modify(this.entity.gsplat!, 1, this.cut);
    }
    this.entity.gsplat!.resource = this.container;
  }

  /** Draws only what is inside a box. */
  clip(clip: Clip | null): void {
    this.cut = clip;
    if (this.entity.gsplat) setClip(this.entity.gsplat, clip);
  }

  destroy(): void {
    this.entity.destroy();
    this.container.destroy();
  }

  private put(index: number, words: Uint32Array, floats: Float32Array, at: number): void {
    const target = index * HALF;
    for (let k = 0; k < HALF; k++) {
      this.head[target + k] = words[at + k]!;
      this.tail[target + k] = words[at + HALF + k]!;
    }
    if (!this.place(index, floats, at)) this.head.fill(0, target, target + HALF), this.tail.fill(0, target, target + HALF);
  }

  /** Notes where a Gaussian is; false for one that is nowhere (a damaged file), which is then made invisible. */
  private place(index: number, floats: Float32Array, at: number): boolean {
    for (let axis = 0; axis < 3; axis++) if (!(Math.abs(floats[at + axis]!) <= MAX_COORDINATE)) return false;
    for (let axis = 0; axis < 3; axis++) {
      const value = floats[at + axis]!;
      this.container.centers[index * 3 + axis] = value;
      if (value < this.low[axis]!) this.low[axis] = value;
      if (value > this.high[axis]!) this.high[axis] = value;
    }
    return true;
  }

  private allocate(capacity: number): GSplatContainer {
    const streams = ["head", "tail"].map((name) => ({ name, format: PIXELFORMAT_RGBA32U }));
    const format = new GSplatFormat(this.device, streams, { readGLSL: READ, readWGSL: "" });
    const container = new GSplatContainer(this.device, capacity, format);
    this.head = container.getTexture("head")!.lock() as Uint32Array;
    this.tail = container.getTexture("tail")!.lock() as Uint32Array;
    return container;
  }

  /** A container has a fixed size: when the length was not announced, the Gaussians move to a larger one. */
  private grow(needed: number): void {
    const { container, head, tail } = this;
    this.container = this.allocate(Math.max(needed, 2 * container.maxSplats));
    this.head.set(head.subarray(0, this.count * HALF));
    this.tail.set(tail.subarray(0, this.count * HALF));
    this.container.centers.set(container.centers.subarray(0, this.count * 3));
    if (this.shown > 0) this.show();
    container.destroy();
  }
}
