/** A frame that takes longer is no motion; below it everything is always shown. */
const SLOW_MS = 100;
/** What a frame in motion should take where not everything can be shown. */
const WANTED_MS = 60;

/** Of a frame's time, what does not depend on the Gaussians: its end is noticed a turn of the page late. */
const FIXED_MS = 25;

/**
 * How many Gaussians are drawn while something moves or loads: all of them where the renderer is fast enough,
 * which every graphics card of the last years is, else as many as it can bear. A still picture has all.
 */
export class Detail {
  private perGaussian = 0;

  /** Takes what a frame of so many Gaussians took, milliseconds. */
  measured(ms: number, gaussians: number): void {
    if (gaussians === 0) return;
    const now = Math.max(0, ms - FIXED_MS) / gaussians;
    this.perGaussian += (now - this.perGaussian) * (this.perGaussian === 0 ? 1 : 0.3);
  }

  /** Of levels that add up to `sums` Gaussians, the number to draw in motion; at least one. */
  levels(sums: readonly number[]): number {
    if (this.perGaussian * (sums.at(-1) ?? 0) <= SLOW_MS) return sums.length;
    const bearable = sums.filter((sum) => this.perGaussian * sum <= WANTED_MS).length;
    return Math.max(1, bearable);
  }
}
