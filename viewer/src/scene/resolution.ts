const SLOW_MS = 45;
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
    this.average += (Math.min(ms, 200) - this.average) * 0.25;
    if (++this.frames % 6 !== 0) return; // let the last change show its effect first
    if (this.average > SLOW_MS) this.moving = Math.max(LOWEST, this.moving * 0.8);
    else if (this.average < FAST_MS) this.moving = Math.min(this.full, this.moving * 1.1);
  }
}
