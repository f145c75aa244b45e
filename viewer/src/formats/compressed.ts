import type { Source } from "../download";
import { ViewerError } from "../errors";
import { MAX_GAUSSIANS } from "../limits";
import { errors } from "../texts/errors";
import { Aligner, byte, pack, packRotation, type Records, WORDS } from "./records";

/** Gaussians that share bounds. */
const TOGETHER = 256;
const BOUNDS = ["min_x", "min_y", "min_z", "max_x", "max_y", "max_z", "min_scale_x", "min_scale_y", "min_scale_z", "max_scale_x", "max_scale_y", "max_scale_z"];
/** Older files have colours without bounds. */
const COLOURS = ["min_r", "min_g", "min_b", "max_r", "max_g", "max_b"];
const PACKED = ["packed_position", "packed_rotation", "packed_scale", "packed_color"];

export const isCompressed = (header: string): boolean => /^element chunk \d+\r?$/m.test(header);

/**
 * Reads the body of a .compressed.ply of PlayCanvas, SuperSplat's
 * (https://blog.playcanvas.com/compressing-gaussian-splats): the bounds of every 256 Gaussians, then four words each.
 */
export async function* readCompressed(header: string, source: Source): Records {
  const { count, floats } = parse(header, source.what);
  const groups = new Float32Array(Math.ceil(count / TOGETHER) * floats);
  const table = new Uint8Array(groups.buffer);
  const aligner = new Aligner(4 * PACKED.length);
  let known = 0;
  let done = 0;
  for await (const chunk of source.chunks) {
    const head = chunk.subarray(0, table.length - known);
    table.set(head, known);
    known += head.length;
    const bytes = aligner.push(chunk.subarray(head.length));
    const words = new Uint32Array(bytes.buffer, 0, Math.min(bytes.length / 4, (count - done) * PACKED.length)); // what follows is no colour of degree 0
    if (words.length === 0) continue;
    yield convert(words, done, groups, floats);
    done += words.length / PACKED.length;
  }
  if (done < count) throw new ViewerError(...errors.cut(source.what));
}

function parse(header: string, what: string): { count: number; floats: number } {
  const element = (name: string): { count: number; fields: string } => {
    const found = new RegExp(`^element ${name} (\\d+)\\r?\\n((?:property .*\\n)*)`, "m").exec(header);
    return { count: Number(found?.[1] ?? 0), fields: (found?.[2] ?? "").replace(/\r/g, "") };
  };
  const properties = (type: string, names: readonly string[]): string => names.map((name) => `property ${type} ${name}\n`).join("");
  const [chunk, vertex] = [element("chunk"), element("vertex")];
  const floats = [BOUNDS, [...BOUNDS, ...COLOURS]].find((names) => properties("float", names) === chunk.fields)?.length;
  const good = floats !== undefined && vertex.fields === properties("uint", PACKED) && chunk.count === Math.ceil(vertex.count / TOGETHER);
  if (!good) throw new ViewerError(...errors.damaged(what));
  if (vertex.count > MAX_GAUSSIANS) throw new ViewerError(...errors.tooMany(what, MAX_GAUSSIANS));
  return { count: vertex.count, floats };
}

/** Four words each, the first of which is the `first` Gaussian of the file. */
function convert(packed: Uint32Array, first: number, groups: Float32Array, floats: number): Uint32Array {
  const words = new Uint32Array((packed.length / PACKED.length) * WORDS);
  const out = new Float32Array(words.buffer);
  for (let i = 0; i < packed.length / PACKED.length; i++) {
    const [position, rotation, scale, colour] = packed.subarray(i * PACKED.length) as unknown as [number, number, number, number];
    const group = Math.floor((first + i) / TOGETHER) * floats;
    const between = (at: number, share: number): number => groups[group + at]! * (1 - share) + groups[group + at + 3]! * share;
    shares(position).forEach((share, axis) => (out[i * WORDS + axis] = between(axis, share)));
    shares(scale).forEach((share, axis) => (out[i * WORDS + 3 + axis] = Math.exp(between(6 + axis, share))));
    const [r, g, b] = [24, 16, 8].map((shift, axis) => {
      const share = ((colour >>> shift) & 255) / 255;
      return byte(255 * (floats > BOUNDS.length ? between(BOUNDS.length + axis, share) : share));
    }) as [number, number, number];
    words[i * WORDS + 6] = pack(r, g, b, colour & 255);
    words[i * WORDS + 7] = packRotation(turn(rotation));
  }
  return words;
}

/** Eleven, ten and eleven bits. */
const shares = (word: number): readonly number[] => [(word >>> 21) / 2047, ((word >>> 11) & 1023) / 1023, (word & 2047) / 2047];

/** Two bits say which of w, x, y, z is the largest, and is not told; ten bits for each of the others. */
function turn(word: number): readonly number[] {
  const q = [20, 10, 0].map((shift) => (((word >>> shift) & 1023) / 1023 - 0.5) * Math.SQRT2);
  q.splice(word >>> 30, 0, Math.sqrt(Math.max(0, 1 - q.reduce((sum, value) => sum + value * value, 0))));
  return q;
}
