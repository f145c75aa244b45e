import type { Source } from "../download";
import { ViewerError } from "../errors";
import { MAX_GAUSSIANS } from "../limits";
import { errors } from "../texts/errors";
import { isCompressed, readCompressed } from "./compressed";
import { Aligner, byte, pack, packRotation, type Records, SH_C0, type Trained, WORDS } from "./records";

const MAX_HEADER = 64 * 1024;
const SIZES: Readonly<Record<string, number>> = {
  char: 1, int8: 1, uchar: 1, uint8: 1, short: 2, int16: 2, ushort: 2, uint16: 2,
  int: 4, int32: 4, uint: 4, uint32: 4, float: 4, float32: 4, double: 8, float64: 8,
};
// In the order of a .splat record: position, log scale, colour, opacity logit, rotation w, x, y, z.
const NEEDED = [
  "x", "y", "z", "scale_0", "scale_1", "scale_2", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
  "rot_0", "rot_1", "rot_2", "rot_3",
] as const;

/** What Brush, Postshot before and since version 1 (as PlayCanvas's tools read them), and ours write of scenes trained with the filter. */
const FILTERED = /^comment (SplatRenderMode: mip|antialiased 1|postshot\.anti_aliasing=1)\s*$/im;

interface Layout {
  readonly count: number;
  readonly stride: number;
  /** Byte offsets of NEEDED inside a vertex. */
  readonly offsets: readonly number[];
}

/**
 * Reads a 3DGS .ply as it arrives, standard or compressed. Colour is the one from all sides (degree 0); higher
 * spherical harmonics are left out, as in a .splat.
 */
export async function* readPly(source: Source, trained: Trained = () => {}): Records {
  const { header, chunks } = await split(source);
  trained(FILTERED.test(header));
  const body = { ...source, chunks };
  yield* isCompressed(header) ? readCompressed(header, body) : readStandard(header, body);
}

async function* readStandard(header: string, source: Source): Records {
  const layout = parseHeader(header, source.what);
  const aligner = new Aligner(layout.stride);
  let left = layout.count;
  for await (const chunk of source.chunks) {
    const vertices = aligner.push(chunk);
    const count = Math.min(vertices.length / layout.stride, left);
    left -= count;
    if (count > 0) yield convert(vertices, count, layout);
  }
  if (left > 0) throw new ViewerError(...errors.cut(source.what));
}

/** The header's text, and what follows it as it arrives. */
async function split({ what, chunks }: Source): Promise<{ header: string; chunks: AsyncIterable<Uint8Array> }> {
  const pieces = chunks[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array(0);
  let end = -1;
  while (end < 0) {
    const next = start.length > MAX_HEADER ? null : await pieces.next();
    if (!next || next.done) {
      await pieces.return?.();
      throw new ViewerError(...errors.notPly(what));
    }
    start = joined(start, next.value);
    end = headerEnd(start);
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield start.subarray(end);
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
    } finally {
      await pieces.return?.();
    }
  }
  return { header: new TextDecoder("latin1").decode(start.subarray(0, end)), chunks: rest() };
}

function headerEnd(bytes: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, MAX_HEADER));
  const match = /^end_header\r?\n/m.exec(text);
  return match ? match.index + match[0].length : -1;
}

export function parseHeader(text: string, what: string): Layout {
  const lines = text.split(/\r?\n/);
  if (lines[0] !== "ply" || lines[1] !== "format binary_little_endian 1.0") throw new ViewerError(...errors.notPly(what));
  const elements = lines.filter((line) => line.startsWith("element "));
  const vertex = /^element vertex (\d+)$/.exec(elements[0] ?? "");
  if (!vertex) throw new ViewerError(...errors.plyWithoutGaussians(what, "f_dc_0"));
  const count = Number(vertex[1]);
  if (count > MAX_GAUSSIANS) throw new ViewerError(...errors.tooMany(what, MAX_GAUSSIANS));
  return { count, ...fieldOffsets(lines, what) };
}

function fieldOffsets(lines: readonly string[], what: string): { stride: number; offsets: number[] } {
  const found = new Map<string, number>();
  let stride = 0;
  for (const line of lines.slice(lines.findIndex((l) => l.startsWith("element vertex")) + 1)) {
    if (line.startsWith("element ")) break;
    const [keyword, type = "", name = ""] = line.split(" ");
    if (keyword !== "property") continue;
    const size = SIZES[type];
    if (size === undefined) throw new ViewerError(...errors.notPly(what));
    if (type === "float" || type === "float32") found.set(name, stride);
    stride += size;
  }
  const missing = NEEDED.find((name) => !found.has(name));
  if (missing) throw new ViewerError(...errors.plyWithoutGaussians(what, missing));
  return { stride, offsets: NEEDED.map((name) => found.get(name)!) };
}

function convert(vertices: Uint8Array<ArrayBuffer>, count: number, { stride, offsets }: Layout): Uint32Array {
  const input = new DataView(vertices.buffer, vertices.byteOffset);
  const words = new Uint32Array(count * WORDS);
  const floats = new Float32Array(words.buffer);
  for (let i = 0; i < count; i++) {
    const [x, y, z, sx, sy, sz, r, g, b, logit, ...rotation] = offsets.map((offset) => input.getFloat32(i * stride + offset, true));
    floats.set([x!, y!, z!, Math.exp(sx!), Math.exp(sy!), Math.exp(sz!)], i * WORDS);
    words[i * WORDS + 6] = pack(colour(r!), colour(g!), colour(b!), byte(255 / (1 + Math.exp(-logit!))));
    words[i * WORDS + 7] = packRotation(rotation);
  }
  return words;
}

const colour = (sh: number): number => byte(255 * (0.5 + SH_C0 * sh));

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
