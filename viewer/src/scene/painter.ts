import { PIXELFORMAT_RGBA8, RenderTarget, Texture, type WebglGraphicsDevice } from "playcanvas";
import { TOGETHER } from "./shaders";
import type { Side } from "./side";

/**
 * Paints a picture in strokes where all of it at once would stop the page: some Gaussians after the other, the furthest
 * first, beside the canvas, which keeps the picture before until the new one is finished.
 */
export class Painter {
  /** A picture is begun and not finished. */
  busy = false;
  /** Gaussians of the stroke that was drawn last. */
  drew = 0;
  /** Gaussians at a time; null draws all at once, to the canvas itself. */
  private stroke: number | null = null;
  private next = 0;
  private target: RenderTarget | null = null;

  constructor(private readonly device: WebglGraphicsDevice) {}

  /** Begins a picture of so many pixels, whatever became of the one before. */
  begin(stroke: number | null, width: number, height: number): void {
    this.stroke = stroke === null ? null : Math.ceil(stroke / TOGETHER) * TOGETHER;
    this.next = 0;
    this.busy = true;
    if (stroke === null || (this.target?.width === width && this.target.height === height)) return;
    this.drop();
    const colorBuffer = new Texture(this.device, { name: "picture", width, height, format: PIXELFORMAT_RGBA8, mipmaps: false });
    this.target = new RenderTarget({ colorBuffer, depth: false });
  }

  /** The picture's pixels. */
  get width(): number {
    return this.stroke === null ? this.device.width : this.target!.width;
  }

  get height(): number {
    return this.stroke === null ? this.device.height : this.target!.height;
  }

  /** Before a stroke: where it goes. */
  prepare(sides: readonly Side[]): void {
    this.drew = 0;
    for (const side of sides) side.wasReady = side.ready;
    const target = this.stroke === null ? null : this.target;
    for (const { camera } of sides) {
      if (camera.renderTarget !== target) camera.renderTarget = target as RenderTarget; // null is the canvas
      camera.clearColorBuffer = this.next === 0;
    }
  }

  /** Before a side is drawn: which of its Gaussians are. In strokes none is before all of them are sorted and gathered. */
  load(side: Side): void {
    const waits = this.stroke !== null && !side.gathered;
    this.drew += side.part(this.next, waits ? 0 : (this.stroke ?? Infinity));
  }

  /** After a stroke; whether the picture is finished. */
  lift(sides: readonly Side[]): boolean {
    const most = Math.max(...sides.map((side) => side.restore()));
    const some = sides.filter((side) => !side.empty);
    if (this.stroke !== null && !some.every(({ gathered }) => gathered)) {
      this.busy = some.every(({ ready }) => ready); // what is not sorted asks for a frame when it is
      return false;
    }
    this.next += this.stroke ?? Infinity;
    this.busy = this.next < most;
    return !this.busy;
  }

  /** Puts a finished picture on the canvas, which has its size now. */
  show(): void {
    if (this.stroke === null) return;
    const { width, height } = this.target!;
    this.device.setScissor(0, 0, width, height); // copying keeps to the part that was drawn last
    this.device.setRenderTarget(null); // copying goes back to this one, but the engine takes it for the canvas
    this.device.copyRenderTarget(this.target!, undefined, true, false);
  }

  private drop(): void {
    this.target?.destroyTextureBuffers();
    this.target?.destroy();
    this.target = null;
  }
}
