/**
 * Tells when the graphics card has finished a frame. One frame is in flight at a time: a slow renderer then
 * keeps nobody waiting, neither the page nor what is being loaded.
 */
export class Pacing {
  /** Milliseconds that the last frame took, from its commands to its end. */
  took = 0;
  private fence: WebGLSync | null = null;
  private since = 0;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** A frame's commands were given. */
  drawn(): void {
    if (this.fence) this.gl.deleteSync(this.fence);
    this.fence = this.gl.fenceSync(this.gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    this.gl.flush();
    this.since = performance.now();
  }

  /** Whether the next frame may begin; to be asked once in each turn of the page. */
  get idle(): boolean {
    if (!this.fence) return true;
    const done = this.gl.isContextLost() || this.gl.getSyncParameter(this.fence, this.gl.SYNC_STATUS) === this.gl.SIGNALED;
    if (!done) return false;
    this.took = performance.now() - this.since;
    this.gl.deleteSync(this.fence);
    this.fence = null;
    return true;
  }
}
