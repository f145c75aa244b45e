import { ViewerError } from "../errors";
import { MAX_GAUSSIANS } from "../limits";
import { errors } from "../texts/errors";
import { unzip } from "./zip";

export type Picture = Uint8Array<ArrayBuffer>;

/** A checked .sog: its pictures are WebP files that have a pixel for every Gaussian. */
export interface Sog {
  readonly meta: SogMeta;
  readonly pictures: ReadonlyMap<string, Picture>;
  readonly what: string;
}

/** Version 2 of https://developer.playcanvas.com/user-manual/gaussian-splatting/formats/sog/ */
export interface SogMeta {
  readonly version: 2;
  readonly count: number;
  readonly means: { readonly mins: readonly number[]; readonly maxs: readonly number[]; readonly files: readonly string[] };
  readonly scales: Coded;
  readonly quats: { readonly files: readonly string[] };
  readonly sh0: Coded;
  readonly shN: Coded | null;
  /** How the scene was trained (splat-transform's SplatModel): "antialiased" is with the filter. */
  readonly model: string;
}

interface Coded {
  readonly codebook: readonly number[];
  readonly files: readonly string[];
}

/** Positions are logarithms; e to the power of this is far outside of what may be shown. */
const MAX_LOG = 17;
const MAX_CODE = 1e4;
const ENTRIES = 256;
/** Width of the picture of the spherical harmonics of degree 1, 2 and 3; 64 to a row. */
const PALETTE_WIDTHS = [192, 512, 960];
const MAX_PALETTE_ROWS = 1024;
const MAX_META_BYTES = 1_000_000;

/** Checks a .sog before anything is decoded: a picture may claim what it likes. */
export function readSog(bytes: Uint8Array<ArrayBuffer>, what: string): Sog {
  const files = unzip(bytes, what);
  const damaged = (): ViewerError => new ViewerError(...errors.damaged(what));
  const meta = readMeta(files.get("meta.json"));
  if (!meta) throw damaged();
  if (meta.count > MAX_GAUSSIANS) throw new ViewerError(...errors.tooMany(what, MAX_GAUSSIANS));
  const pictures = new Map<string, Picture>();
  for (const name of [meta.means, meta.scales, meta.quats, meta.sh0, meta.shN].flatMap((part) => part?.files ?? [])) {
    const picture = files.get(name);
    const size = picture && sizeOf(picture);
    const palette = name === meta.shN?.files[0];
    const good = size && (palette ? isPalette(size) : size.width * size.height >= meta.count && size.width * size.height <= 2 * meta.count + 4096);
    if (!good) throw damaged();
    pictures.set(name, picture);
  }
  const shapes = new Set([...pictures].filter(([name]) => name !== meta.shN?.files[0]).map(([, picture]) => sizeOf(picture)!.width));
  if (shapes.size !== 1) throw damaged();
  return { meta, pictures, what };
}

const isPalette = ({ width, height }: Size): boolean => PALETTE_WIDTHS.includes(width) && height <= MAX_PALETTE_ROWS;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size that the header of a lossless WebP states. https://developers.google.com/speed/webp/docs/riff_container */
export function sizeOf(bytes: Uint8Array): Size | null {
  if (bytes.length < 30) return null;
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (tag(0) !== "RIFF" || tag(8) !== "WEBP") return null;
  const u24 = (at: number): number => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  if (tag(12) === "VP8X") return { width: u24(24) + 1, height: u24(27) + 1 };
  if (tag(12) !== "VP8L" || bytes[20] !== 0x2f) return null;
  const bits = (u24(21) | (bytes[24]! << 24)) >>> 0;
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

function readMeta(bytes: Uint8Array | undefined): SogMeta | null {
  if (!bytes || bytes.length > MAX_META_BYTES) return null;
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return null;
  }
  const count = raw?.count;
  if (raw?.version !== 2 || !Number.isInteger(count) || (count as number) < 1) return null;
  const [means, quats] = [part(raw.means, 2), part(raw.quats, 1)];
  const [mins, maxs] = [numbers(means?.mins, 3, MAX_LOG), numbers(means?.maxs, 3, MAX_LOG)];
  const [scales, sh0] = [coded(raw.scales, 1), coded(raw.sh0, 1)];
  const shN = raw.shN === undefined ? null : coded(raw.shN, 2);
  if (!means || !quats || !mins || !maxs || !scales || !sh0 || (raw.shN !== undefined && !shN)) return null;
  const model = typeof raw.model === "string" ? raw.model : "default";
  return { version: 2, count: count as number, means: { mins, maxs, files: means.files }, scales, quats, sh0, shN, model };
}

function part(value: unknown, count: number): (Record<string, unknown> & { files: readonly string[] }) | null {
  if (typeof value !== "object" || value === null) return null;
  const { files } = value as Record<string, unknown>;
  const good = Array.isArray(files) && files.length === count && files.every((name) => typeof name === "string");
  return good ? { ...value, files } : null;
}

function coded(value: unknown, count: number): Coded | null {
  const found = part(value, count);
  const codebook = numbers(found?.codebook, ENTRIES, MAX_CODE);
  return found && codebook ? { codebook, files: found.files } : null;
}

function numbers(value: unknown, count: number, limit: number): readonly number[] | null {
  const good = Array.isArray(value) && value.length === count && value.every((x) => typeof x === "number" && Math.abs(x) <= limit);
  return good ? value : null;
}
