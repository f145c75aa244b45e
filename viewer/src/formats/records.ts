import { clamp } from "../math";

/**
 * The form in which Gaussians travel inside the viewer: that of the .splat file, eight 32-bit words each.
 * Words 0–2 position, 3–5 scale (linear), float32; word 6 RGBA; word 7 rotation w, x, y, z as byte = 128 + 128 q.
 */
export const WORDS = 8;
export const BYTES = 32;

/**
 * Told whether a file says that its scene was trained with Mip-Splatting's 2D filter (Yu et al. 2024): what is smaller
 * than a pixel is then drawn as much fainter as the screen makes it larger.
 */
export type Trained = (filtered: boolean) => void;

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

/** Y_0^0: colour = 0.5 + SH_C0 × the constant spherical harmonic. */
export const SH_C0 = 0.28209479177387814;

export const byte = (x: number): number => clamp(Math.round(x), 0, 255);
export const pack = (a: number, b: number, c: number, d: number): number => (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;

/** A rotation w, x, y, z of any length as the last word of a record. */
export function packRotation(q: readonly number[]): number {
  const norm = Math.hypot(...q) || 1;
  const [w, x, y, z] = q.map((value) => byte(128 + (128 * value) / norm));
  return pack(w!, x!, y!, z!);
}
