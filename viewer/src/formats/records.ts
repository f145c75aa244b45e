/**
 * The form in which Gaussians travel inside the viewer: that of the .splat file, eight 32-bit words each.
 * Words 0–2 position, 3–5 scale (linear), float32; word 6 RGBA; word 7 rotation w, x, y, z as byte = 128 + 128 q.
 */
export const WORDS = 8;
export const BYTES = 32;

/** Batches of whole Gaussians. */
export type Records = AsyncIterable<Uint32Array>;

/** Collects bytes and hands out those that make whole items of `size` bytes, aligned for typed arrays. */
export class Aligner {
  private rest = new Uint8Array(0);

  constructor(private readonly size: number) {}

  /** Bytes that wait for the remainder of their item. */
  get pending(): number {
    return this.rest.length;
  }

  push(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
    const whole = Math.floor((this.rest.length + chunk.length) / this.size) * this.size;
    const joined = new Uint8Array(this.rest.length + chunk.length);
    joined.set(this.rest);
    joined.set(chunk, this.rest.length);
    this.rest = joined.slice(whole);
    return joined.subarray(0, whole);
  }
}
