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
import { errors } from "../texts/errors";
import { centers, readsExactly } from "./centers";
import { type Clip, modify, resize, setClip } from "./modifier";

/** Pictures whose pixels are read one by one. */
const PIXELS = {
  name: "sog",
  format: PIXELFORMAT_RGBA8,
  mipmaps: false,
  minFilter: FILTER_NEAREST,
  magFilter: FILTER_NEAREST,
  addressU: ADDRESS_CLAMP_TO_EDGE,
  addressV: ADDRESS_CLAMP_TO_EDGE,
};
/** Steps, and milliseconds between them, in which Gaussians shrink to their own size when more have come. */
const STEPS = 3;
const STEP_MS = 90;

interface Layer {
  readonly entity: Entity;
  readonly resource: GSplatSogResource;
  /** Size of all Gaussians while this is the last layer that is drawn. */
  readonly grow: number;
}

/** Levels of detail as .sog files, each of which adds Gaussians. They are sorted and drawn as one, in a layer of the engine. */
export class Layers {
  readonly entity = new Entity("layers");
  count = 0;
  private readonly layers: Layer[] = [];
  /** Layers that are drawn: the first ones. */
  drawn = 0;
  private grow = 1;
  private cut: Clip | null = null;
  /** What only compiles the shaders. */
  private first: Layer | null = null;
  private timer = 0;
  private gone = false;

  constructor(
    private readonly device: GraphicsDevice,
    private readonly layer: number,
    private readonly changed: () => void,
  ) {}

  /** Centres of the first, coarse layer: enough to find the bounds. */
  get centers(): { readonly values: Float32Array; readonly count: number } {
    const resource = this.layers[0]?.resource;
    return { values: resource?.centers ?? new Float32Array(0), count: resource?.numSplats ?? 0 };
  }

  /** Whether something of it can be on the screen. */
  get visible(): boolean {
    return this.drawn > 0;
  }

  /** Gaussians up to each level. */
  get sums(): readonly number[] {
    let sum = 0;
    return this.layers.map(({ resource }) => (sum += resource.numSplats));
  }

  /** Gaussians that are drawn. */
  get shown(): number {
    return this.sums[this.drawn - 1] ?? 0;
  }

  /** Draws the first `count` levels; with more of them, call `fit` when they are on the screen, or take their size `atOnce`. */
  draw(count: number, atOnce: boolean): void {
    if (count === this.drawn) return;
    const fewer = count < this.drawn;
    this.drawn = count;
    clearInterval(this.timer);
    this.layers.forEach(({ entity }, i) => (entity.enabled = i < count));
    if (this.first) this.first.entity.enabled = false;
    if (fewer || atOnce) this.resize(this.layers[count - 1]!.grow);
    this.changed();
  }

  /** Draws one invisible Gaussian, so that the shaders are compiled while the first level is on its way. */
  warm(): void {
    const data = nothing(this.device);
    const resource = new GSplatSogResource(this.device, data);
    this.first = { entity: layer(resource, this.layer, 1, null), resource, grow: 1 };
    this.entity.addChild(this.first.entity);
    this.changed();
  }

  /** Adds a level, not drawn yet. */
  async add(sog: Sog, grow: number): Promise<void> {
    const data = await decode(this.device, sog);
    if (this.gone) return data.destroy(); // another scene was opened meanwhile
    const resource = new GSplatSogResource(this.device, data);
    resource.releaseTextureSources(); // what is on the graphics card need not be kept beside it
    const entity = layer(resource, this.layer, grow, this.cut);
    entity.enabled = false;
    this.entity.addChild(entity);
    this.layers.push({ entity, resource, grow });
    this.count += sog.meta.count;
    if (this.layers.length === 1) this.grow = grow;
  }

  /** Brings all Gaussians to the size that suits the levels on the screen, little by little. */
  fit(): void {
    clearInterval(this.timer);
    const grow = this.layers[this.drawn - 1]?.grow ?? 1;
    if (grow === this.grow) return;
    const from = this.grow;
    let step = 0;
    const next = (): void => {
      this.resize(from * (grow / from) ** (++step / STEPS));
      if (step >= STEPS) clearInterval(this.timer);
    };
    this.timer = setInterval(next, STEP_MS);
    next();
  }

  /** Draws only what is inside a box. */
  clip(clip: Clip | null): void {
    this.cut = clip;
    for (const { entity } of this.layers) setClip(entity.gsplat!, clip);
  }

  destroy(): void {
    this.gone = true;
    clearInterval(this.timer);
    this.entity.destroy();
    for (const { resource } of [...this.layers, ...(this.first ? [this.first] : [])]) resource.destroy();
  }

  private resize(grow: number): void {
    this.grow = grow;
    for (const { entity } of this.layers) resize(entity.gsplat!, grow);
    this.changed();
  }
}

function layer(resource: GSplatSogResource, where: number, grow: number, clip: Clip | null): Entity {
  const entity = new Entity("layer");
  entity.addComponent("gsplat", { layers: [where] });
  modify(entity.gsplat!, grow, clip);
  entity.gsplat!.resource = resource;
  return entity;
}

/** One Gaussian of no size and no opacity. */
function nothing(device: GraphicsDevice): GSplatSogData {
  const blank = (): Texture => new Texture(device, { ...PIXELS, width: 4, height: 4, levels: [new Uint8Array(64)] });
  const codebook = new Array<number>(256).fill(0);
  const zero = [0, 0, 0];
  const data = new GSplatSogData();
  const meta = { version: 2, count: 1, means: { mins: zero, maxs: zero }, scales: { codebook }, sh0: { codebook } };
  Object.assign(data, { meta, numSplats: 1, means_l: blank(), means_u: blank(), quats: blank(), scales: blank(), sh0: blank() });
  data.prepareCodebook();
  return Object.assign(data, { _centers: new Float32Array(3) });
}

/** Decodes the pictures beside the main thread and puts them on the graphics card. */
async function decode(device: GraphicsDevice, { meta, pictures, what }: Sog): Promise<GSplatSogData> {
  const names = [...pictures.keys()];
  const images = await Promise.all(names.map((name) => image(pictures.get(name)!, what)));
  const textures = images.map((picture) => texture(device, picture));
  const of = (files: readonly string[], i: number): Texture => textures[names.indexOf(files[i]!)]!;
  const [low, high] = meta.means.files.map((name) => images[names.indexOf(name)]!);
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
  if (readsExactly()) Object.assign(data, { _centers: await centers(meta, low!, high!) });
  else await data.prepareGpuData();
  return data;
}

async function image(picture: Picture, what: string): Promise<ImageBitmap> {
  // Every byte is a value: nothing may be multiplied by the opacity or converted to a colour space.
  const options: ImageBitmapOptions = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
  return createImageBitmap(new Blob([picture]), options).catch(() => {
    throw new ViewerError(...errors.damaged(what));
  });
}

function texture(device: GraphicsDevice, picture: ImageBitmap): Texture {
  const made = new Texture(device, { ...PIXELS, width: picture.width, height: picture.height });
  made.setSource(picture as unknown as HTMLImageElement); // the engine takes both; its types know one
  return made;
}
