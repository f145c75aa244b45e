import { type AppBase, type CameraComponent, Picker, SHADERLANGUAGE_GLSL, ShaderChunks } from "playcanvas";

/** CSS pixels along the side of the patch around a place, and how many of them have to hit something. */
const SIDE = 3;
const HITS = 2;
/** Opacity below which nothing is drawn, in the picture as here. */
const FAINTEST = 1 / 255;
/**
 * Instead of the engine's fixed threshold a Gaussian is hit as often as it is opaque: each pixel's nearest hit is then
 * a sample of where light comes from (stochastic transparency, Enderton et al. 2010). Each Gaussian, told by the bits of
 * its depth, has a chance of its own, else all those of a surface, which have nearly one depth, would let through the
 * same pixels; and those of a patch are spread evenly over it, so that few pixels are enough (stratified sampling).
 */
const THRESHOLD = "alpha < alphaClip";
const CHANCE = "alpha < chance()";
const MAIN = "void main(void)";
const HASH = `float chance() {
  highp uint h = floatBitsToUint(gl_FragCoord.z);
  h = (h ^ h >> 16) * 0x7feb352du; // lowbias32, Wellons 2018
  h = (h ^ h >> 15) * 0x846ca68bu;
  h = h ^ h >> 16;
  highp uvec2 place = uvec2(gl_FragCoord.xy) % ${SIDE}u;
  return fract(float(h) / 4294967296.0 + float(place.x * ${SIDE}u + place.y) / ${(SIDE * SIDE).toFixed(1)});
}
`;

/** Finds how far away what is seen at a place of the screen is. */
export class Picking {
  private readonly picker: Picker;

  constructor(
    private readonly app: AppBase,
    private readonly camera: CameraComponent,
  ) {
    this.picker = new Picker(app, 1, 1, true);
  }

  /** Has to come before the engine builds its shaders. */
  static prepare(app: AppBase): void {
    const chunks = ShaderChunks.get(app.graphicsDevice, SHADERLANGUAGE_GLSL);
    chunks.set("gsplatPS", chunks.get("gsplatPS").replace(THRESHOLD, CHANCE).replace(MAIN, HASH + MAIN));
    app.scene.gsplat.alphaClip = FAINTEST; // else the engine leaves out what is fainter, and cuts edges off
  }

  /**
   * Along the camera's axis, world units: the median of what a small patch hits, so that neither a thin veil
   * before a wall nor a hole in it counts. x, y and the picture's sides in CSS pixels. Null where nothing is.
   */
  async depth(x: number, y: number, width: number, height: number): Promise<number | null> {
    const { picker, camera } = this;
    picker.resize(width, height);
    picker.prepare(camera, this.app.scene);
    const steps = Array.from({ length: SIDE * SIDE }, (_, i) => [(i % SIDE) - (SIDE >> 1), Math.floor(i / SIDE) - (SIDE >> 1)] as const);
    const found = await Promise.all(steps.map(([right, down]) => picker.getPointDepthAsync(x + right, y + down)));
    const hits = found.filter((share) => share !== null).sort((a, b) => a - b);
    if (hits.length < HITS) return null;
    return camera.nearClip + hits[hits.length >> 1]! * (camera.farClip - camera.nearClip);
  }
}
