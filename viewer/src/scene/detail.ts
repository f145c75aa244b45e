/** A frame that takes longer is no motion; below it everything is always shown. */
const SLOW_MS = 100;
/** What a frame in motion should take where not everything can be shown. */
const WANTED_MS = 60;
/** What may be spent on a picture while better ones are on their way. */
const PASSING_MS = 800;
/** What a stroke of a picture should take: two are under way, and the page waits for both. */
const STROKE_MS = 80;
/** Gaussians of a stroke while nothing is known, and at least: less is mostly waiting. */
const FIRST_STROKE = 25_000;
const LEAST_STROKE = 40_000;
/** Of a picture's time, what does not depend on the Gaussians: its end is noticed a turn of the page late. */
const FIXED_MS = 25;
/** Fewer Gaussians tell nothing of the renderer. */
const TELLING = 1000;

/**
 * How many Gaussians are drawn while something moves or loads: all of them where the renderer is fast enough,
 * which every graphics card of the last years is, else as many as it can bear. A still picture has all.
 */
export class Detail {
  private perGaussian: number | null = null;

  /** Whether something was measured. */
  get known(): boolean {
    return this.perGaussian !== null;
  }

  /** Takes what so many Gaussians of a picture took, milliseconds. */
  measured(ms: number, gaussians: number): void {
    if (gaussians < TELLING) return;
    const now = Math.max(0, ms - FIXED_MS) / gaussians;
    // Other programs make a renderer slower for a while, nothing makes it faster than it is.
    const before = this.perGaussian ?? now;
    this.perGaussian = Math.min(now, before + (now - before) * 0.3);
  }

  /** Of levels that add up to `sums` Gaussians, the number to draw in motion; at least one. */
  levels(sums: readonly number[]): number {
    return this.within(SLOW_MS, sums) === sums.length ? sums.length : Math.max(1, this.within(WANTED_MS, sums));
  }

  /** The number to draw while nothing moves, but more levels are on their way. */
  passing(sums: readonly number[]): number {
    return this.known ? Math.max(1, this.within(PASSING_MS, sums)) : 1;
  }

  /** The Gaussians to draw at a time, so that the page goes on meanwhile. */
  get stroke(): number {
    return this.perGaussian === null ? FIRST_STROKE : Math.max(LEAST_STROKE, STROKE_MS / this.perGaussian);
  }

  private within(ms: number, sums: readonly number[]): number {
    return sums.filter((sum) => (this.perGaussian ?? 0) * sum <= ms).length;
  }
}
