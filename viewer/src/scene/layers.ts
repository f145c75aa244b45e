import {
  ADDRESS_CLAMP_TO_EDGE,
  Entity,
  FILTER_NEAREST,
  type GraphicsDevice,
  GSplatSogData,
  GSplatSogResource,
  PIXELFORMAT_RGBA8,
  Texture,
} from "playcanvas";
import { ViewerError } from "../errors";
import type { Picture, Sog } from "../formats/sog";
import { texts } from "../texts";

/** Sizes of Gaussians while some are missing; the engine applies it when it gathers the layers for drawing. */
const GROW = /* glsl */ `
  uniform float uGrow;
  void modifySplatCenter(inout vec3 center) {}
  void modifySplatRotationScale(vec3 original, vec3 modified, inout vec4 rotation, inout vec3 scale) { scale *= uGrow; }
  void modifySplatColor(vec3 center, inout vec4 color) {}
`;
/** Steps, and milliseconds between them, in which Gaussians shrink to their own size when more have come. */
const STEPS = 3;
const STEP_MS = 90;

/** Levels of detail as .sog files, each of which adds Gaussians. They are sorted and drawn as one. */
export class Layers {
  readonly entity = new Entity("layers");
  count = 0;
  private readonly layers: { readonly entity: Entity; readonly resource: GSplatSogResource }[] = [];
  private grow = 1;
  private timer = 0;
  private gone = false;

  constructor(
    private readonly device: GraphicsDevice,
    private readonly changed: () => void,
  ) {}

  /** Centres of the first, coarse layer: enough to find the bounds. */
  get centers(): { readonly values: Float32Array; readonly count: number } {
    const resource = this.layers[0]?.resource;
    return { values: resource?.centers ?? new Float32Array(0), count: resource?.numSplats ?? 0 };
  }

  /** Adds a level. It is on the screen once the stage has settled; then `shrink` to what suits it. */
  async add(sog: Sog, grow: number): Promise<void> {
    const data = await decode(this.device, sog);
    if (this.gone) return data.destroy(); // another scene was opened meanwhile
    const resource = new GSplatSogResource(this.device, data);
    resource.releaseTextureSources(); // what is on the graphics card need not be kept beside it
    const entity = new Entity("layer");
    entity.addComponent("gsplat", {});
    entity.gsplat!.setWorkBufferModifier({ glsl: GROW, wgsl: "" });
    entity.gsplat!.setParameter("uGrow", grow);
    entity.gsplat!.resource = resource;
    this.entity.addChild(entity);
    this.layers.push({ entity, resource });
    this.count += sog.meta.count;
    if (this.layers.length === 1) this.grow = grow;
  }

  /** Brings all layers to one size, little by little. */
  shrink(grow: number, still: boolean): void {
    clearInterval(this.timer);
    const from = this.grow;
    let step = still ? STEPS - 1 : 0;
    const next = (): void => {
      this.resize(from * (grow / from) ** (++step / STEPS));
      if (step >= STEPS) clearInterval(this.timer);
    };
    this.timer = setInterval(next, STEP_MS);
    next();
  }

  destroy(): void {
    this.gone = true;
    clearInterval(this.timer);
    this.entity.destroy();
    for (const { resource } of this.layers) resource.destroy();
  }

  private resize(grow: number): void {
    this.grow = grow;
    for (const { entity } of this.layers) {
      if (entity.gsplat!.getParameter("uGrow") !== grow) entity.gsplat!.setParameter("uGrow", grow);
    }
    this.changed();
  }
}

/** Decodes the pictures beside the main thread and puts them on the graphics card. */
async function decode(device: GraphicsDevice, { meta, pictures, what }: Sog): Promise<GSplatSogData> {
  const names = [...pictures.keys()];
  const textures = await Promise.all(names.map((name) => texture(device, pictures.get(name)!, what)));
  const of = (files: readonly string[], i: number): Texture => textures[names.indexOf(files[i]!)]!;
  const data = new GSplatSogData();
  Object.assign(data, {
    meta: { ...meta, shN: meta.shN ?? undefined },
    numSplats: meta.count,
    means_l: of(meta.means.files, 0),
    means_u: of(meta.means.files, 1),
    quats: of(meta.quats.files, 0),
    scales: of(meta.scales.files, 0),
    sh0: of(meta.sh0.files, 0),
    sh_centroids: meta.shN ? of(meta.shN.files, 0) : undefined,
    sh_labels: meta.shN ? of(meta.shN.files, 1) : undefined,
  });
  data.shBands = GSplatSogData.calcBands(data.sh_centroids?.width ?? 0);
  data.prepareCodebook();
  await data.prepareGpuData();
  return data;
}

async function texture(device: GraphicsDevice, picture: Picture, what: string): Promise<Texture> {
  // Every byte is a value: nothing may be multiplied by the opacity or converted to a colour space.
  const options: ImageBitmapOptions = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const image = await createImageBitmap(new Blob([picture]), options).catch(() => {
    throw new ViewerError(...texts.errors.damaged(what));
  });
  const made = new Texture(device, {
    name: "sog",
    width: image.width,
    height: image.height,
    format: PIXELFORMAT_RGBA8,
    mipmaps: false,
    minFilter: FILTER_NEAREST,
    magFilter: FILTER_NEAREST,
    addressU: ADDRESS_CLAMP_TO_EDGE,
    addressV: ADDRESS_CLAMP_TO_EDGE,
  });
  made.setSource(image as unknown as HTMLImageElement); // the engine takes both; its types know one
  return made;
}
