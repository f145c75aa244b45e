/** Strokes that are given to the graphics card before the first of them has to be finished, so that it never waits. */
const AHEAD = 2;

interface Stroke {
  readonly fence: WebGLSync;
  readonly gaussians: number;
}

/**
 * Tells when the graphics card has finished what it was given. Only a little is under way at a time: a slow renderer
 * then keeps nobody waiting, neither the page nor what is being loaded.
 */
export class Pacing {
  /** Milliseconds that so many Gaussians of the picture under way took. */
  took = 0;
  finished = 0;
  private readonly strokes: Stroke[] = [];
  private since = 0;
  private ends = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** Another picture begins. */
  begin(): void {
    this.since = 0;
    this.ends = 0;
  }

  /** The commands for so many Gaussians were given. */
  drawn(gaussians: number): void {
    if (gaussians > 0) this.since ||= performance.now();
    this.strokes.push({ fence: this.gl.fenceSync(this.gl.SYNC_GPU_COMMANDS_COMPLETE, 0)!, gaussians });
    this.gl.flush();
  }

  /** Takes note of what is finished; whether something was. To be asked once in each turn of the page. */
  look(): boolean {
    const { gl, strokes } = this;
    const before = strokes.length;
    while (strokes[0] && (gl.isContextLost() || gl.getSyncParameter(strokes[0].fence, gl.SYNC_STATUS) === gl.SIGNALED)) {
      const { fence, gaussians } = strokes.shift()!;
      gl.deleteSync(fence);
      if (gaussians > 0) this.note(gaussians);
    }
    return strokes.length < before;
  }

  /** The first stroke waits for what was given before it: from its end on is a better measure, when there are more. */
  private note(gaussians: number): void {
    const now = performance.now();
    this.took = now - this.since;
    this.finished = this.ends++ < 2 ? gaussians : this.finished + gaussians;
    if (this.ends === 1) this.since = now;
  }

  /** Whether another picture may begin. */
  get idle(): boolean {
    return this.strokes.length === 0;
  }

  /** Whether the picture that was begun may go on. */
  get ready(): boolean {
    return this.strokes.length < AHEAD;
  }
}
