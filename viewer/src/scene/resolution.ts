import { clamp } from "../math";

const SLOW_MS = 45;
const WANTED_MS = 33;
const FAST_MS = 20;
const LOWEST = 0.5;

/**
 * The pixel ratio that keeps motion fluid: it falls while frames are slow, and is full again when the picture
 * is still. Software renderers and old phones move instead of stuttering; nobody is shown a blurred still.
 */
export class Resolution {
  private moving: number;
  private average = 30;
  private frames = 0;

  constructor(private readonly full: number) {
    this.moving = full;
  }

  /** The ratio to draw at now. */
  ratio(still: boolean): number {
    return still ? this.full : this.moving;
  }

  /** Takes the duration of one frame in motion, milliseconds. */
  measured(ms: number): void {
    this.average += (Math.min(ms, 500) - this.average) * 0.3;
    if (++this.frames % 4 !== 0) return; // let the last change show its effect first
    if (this.average > FAST_MS && this.average < SLOW_MS) return;
    // The time goes with the pixels, the square of the ratio.
    const factor = clamp(Math.sqrt(WANTED_MS / this.average), 0.6, 1.1);
    this.moving = clamp(this.moving * factor, LOWEST, this.full);
  }
}
