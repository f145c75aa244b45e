import { lerp, radians, smooth } from "../math";

/** Of the shorter side of the picture, degrees. */
const FIELD_OF_VIEW = 52;
/** As long as the camera glides. */
const SECONDS = 0.9;

/** The vertical field of view, radians, of a picture of this aspect ratio. */
export type Vertical = (aspect: number) => number;

const usual: Vertical = (aspect) => {
  const half = Math.tan(radians(FIELD_OF_VIEW) / 2);
  return 2 * Math.atan(aspect >= 1 ? half : half / aspect);
};

/** The field of view, and the way from one to another. */
export class Lens {
  private before = usual;
  private now = usual;
  private done = 1;

  /** `still`: the person prefers reduced motion. */
  constructor(private readonly still: boolean) {}

  vertical(aspect: number): number {
    return this.done === 1 ? this.now(aspect) : lerp(this.before(aspect), this.now(aspect), smooth(this.done));
  }

  /** Takes another; null is the usual one. */
  use(next: Vertical | null): void {
    if ((next ?? usual) === this.now) return;
    const { before, now, done } = this;
    this.before = done === 1 ? now : (aspect) => lerp(before(aspect), now(aspect), smooth(done));
    this.now = next ?? usual;
    this.done = 0;
  }

  /** Some time goes by; whether the picture changes. */
  step(seconds: number): boolean {
    if (this.done === 1) return false;
    this.done = this.still ? 1 : Math.min(1, this.done + seconds / SECONDS);
    return true;
  }
}
