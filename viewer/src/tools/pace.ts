/**
 * The longest that a turn of the page counts, milliseconds. A slow machine may take none for seconds, as when its first
 * recorder begins: the flight then goes on where it was, and skips nothing. Two pictures a second still keep time.
 */
const LONGEST_TURN_MS = 500;

/** How far a flight of so many seconds is. */
export class Pace {
  private flown = 0;
  private last: number | null = null;

  constructor(readonly seconds: number) {}

  /** The share of the flight in [0, 1]; to be asked in each turn of the page, which is at `now`, milliseconds. */
  share(now: number): number {
    this.flown += Math.min(now - (this.last ?? now), LONGEST_TURN_MS);
    this.last = now;
    return Math.min(1, this.flown / 1000 / this.seconds);
  }
}
