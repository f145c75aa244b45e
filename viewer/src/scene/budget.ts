/** Frames that are looked at together: one that is late may be anything, half of them are not. */
const FRAMES = 45;
/** A frame that takes so much longer than it should was not shown in time. */
const LATE = 1.3;

/**
 * How many Gaussians a headset draws: as many as such a device bears, and fewer when its frames come late. Never more
 * again, since what comes and goes is seen.
 */
export class Budget {
  private drawn = 0;
  private late = 0;
  private frames = 0;

  constructor(private most: number) {}

  /** Of levels that add up to `sums` Gaussians, the number to draw; at least one. */
  levels(sums: readonly number[]): number {
    const count = Math.max(1, sums.filter((sum) => sum <= this.most).length);
    this.drawn = sums[count - 1] ?? 0;
    return count;
  }

  /** Takes how long a frame took, and how long it may take, milliseconds. */
  frame(ms: number, wanted: number): void {
    if (ms > LATE * wanted) this.late++;
    if (++this.frames < FRAMES) return;
    if (this.late > FRAMES / 2) this.most = Math.min(this.most, this.drawn - 1);
    [this.late, this.frames] = [0, 0];
  }
}
