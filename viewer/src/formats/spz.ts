import { decompress } from "fzstd";
import { type Source, whole } from "../download";
import { ViewerError } from "../errors";
import { MAX_GAUSSIANS } from "../limits";
import { errors } from "../texts/errors";
import { byte, pack, packRotation, type Records, SH_C0, type Trained, WORDS } from "./records";

const MAGIC = 0x5053474e;
const GZIP = 0x1f;
/** Bytes of the header, as far as it is that of all versions. */
const HEADER = 16;
/** The flag, in the byte of them, of a scene that was trained with the filter. */
const FLAGS = 14;
const ANTIALIASED = 1;
/** Bytes of version 4's table for each array, and of a Gaussian in those that are shown: place, opacity, colour, size, rotation. */
const ENTRY = 16;
const ARRAYS = [9, 1, 3, 3, 4];
const HARMONICS = [0, 3, 8, 15];
type Bytes = Uint8Array<ArrayBuffer>;

/** Gaussians that are converted before the page may draw again. */
const BATCH = 1 << 16;

/**
 * Reads an .spz of version 2, 3 or 4 (https://github.com/nianticlabs/spz): one array after the other, so that
 * nothing can be shown before all of it is here. Colours of degree 0 are shown.
 */
export async function* readSpz(source: Source, trained: Trained = () => {}): Records {
  const packed = await whole(source, () => undefined);
  const bytes = packed[0] === GZIP ? await inflate(packed, source.what) : unpack(packed, source.what);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, count, degree, fraction] = [view.getUint32(4, true), view.getUint32(8, true), bytes[12]!, bytes[13]!];
  const rotationBytes = version === 2 ? 3 : 4;
  if (bytes.length < HEADER + count * (16 + rotationBytes)) throw new ViewerError(...errors.damaged(source.what));
  if (degree >= HARMONICS.length) throw new ViewerError(...errors.damaged(source.what));
  trained((bytes[FLAGS]! & ANTIALIASED) !== 0);
  const at = { place: HEADER, alpha: HEADER + 9 * count, colour: HEADER + 10 * count, scale: HEADER + 13 * count, rotation: HEADER + 16 * count };
  for (let start = 0; start < count; start += BATCH) {
    const words = new Uint32Array(Math.min(BATCH, count - start) * WORDS);
    const floats = new Float32Array(words.buffer);
    for (let k = 0; k < words.length / WORDS; k++) {
      const i = start + k;
      for (let axis = 0; axis < 3; axis++) {
        const p = at.place + 9 * i + 3 * axis;
        floats[k * WORDS + axis] = ((bytes[p]! << 8) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 24)) / 256 / 2 ** fraction;
        floats[k * WORDS + 3 + axis] = Math.exp(bytes[at.scale + 3 * i + axis]! / 16 - 10);
      }
      const colour = (channel: number): number => byte(255 * (0.5 + (SH_C0 / 0.15) * (bytes[at.colour + 3 * i + channel]! / 255 - 0.5)));
      words[k * WORDS + 6] = pack(colour(0), colour(1), colour(2), bytes[at.alpha + i]!);
      const r = at.rotation + rotationBytes * i;
      words[k * WORDS + 7] = packRotation(version === 2 ? firstThree(bytes, r) : smallestThree(view.getUint32(r, true)));
    }
    yield words;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** x, y, z as bytes; w is the rest and not negative. */
function firstThree(bytes: Uint8Array, at: number): readonly number[] {
  const [x, y, z] = [0, 1, 2].map((k) => bytes[at + k]! / 127.5 - 1) as [number, number, number];
  return [Math.sqrt(Math.max(0, 1 - x * x - y * y - z * z)), x, y, z];
}

/** Two bits say which of x, y, z, w is the largest; sign and nine bits for each of the others, the last lowest. */
export function smallestThree(word: number): readonly number[] {
  const largest = word >>> 30;
  const q = [0, 0, 0, 0];
  let squares = 0;
  for (let k = 3; k >= 0; k--) {
    if (k === largest) continue;
    const size = (Math.SQRT1_2 * (word & 511)) / 511;
    q[k] = word & 512 ? -size : size;
    squares += size * size;
    word >>>= 10;
  }
  q[largest] = Math.sqrt(Math.max(0, 1 - squares));
  return [q[3]!, q[0]!, q[1]!, q[2]!];
}

/** Version 4: a plain header, a table, and each array compressed by itself. Becomes what version 3 unpacks to. */
function unpack(packed: Bytes, what: string): Bytes {
  const damaged = (): ViewerError => new ViewerError(...errors.damaged(what));
  announced(packed, what, 4, 4);
  const view = new DataView(packed.buffer);
  const count = view.getUint32(8, true);
  const bytes = new Uint8Array(HEADER + count * ARRAYS.reduce((sum, each) => sum + each, 0));
  bytes.set(packed.subarray(0, HEADER));
  try {
    let entry = view.getUint32(HEADER, true);
    let from = entry + ENTRY * packed[15]!;
    let to = HEADER;
    for (const each of ARRAYS) {
      const [size, unpacked] = [view.getBigUint64(entry, true), view.getBigUint64(entry + 8, true)];
      const part = packed.subarray(from, from + Number(size));
      if (BigInt(part.length) !== size || unpacked !== BigInt(each * count)) throw damaged();
      decompress(part, bytes.subarray(to, to + each * count)); // writes nowhere else
      entry += ENTRY;
      from += part.length;
      to += each * count;
    }
  } catch {
    throw damaged(); // also what DataView says of a place outside the file, and what is said of a damaged array
  }
  return bytes;
}

/** Unpacks to at most what its header may claim. */
async function inflate(packed: Bytes, what: string): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let limit = HEADER;
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (parts.length === 0) limit = announced(value, what, 2, 3);
      size += value.length;
      if (size > limit) throw new ViewerError(...errors.damaged(what));
      parts.push(value);
    }
  } catch (error) {
    throw error instanceof ViewerError ? error : new ViewerError(...errors.damaged(what));
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) bytes.set(part, at), (at += part.length);
  if (size < HEADER) throw new ViewerError(...errors.damaged(what));
  return bytes;
}

/** The bytes that a header of these versions announces, at most. */
function announced(first: Uint8Array, what: string, oldest: number, newest: number): number {
  if (first.length < HEADER) throw new ViewerError(...errors.damaged(what));
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const [magic, version, count] = [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
  if (magic !== MAGIC || version < oldest || version > newest) throw new ViewerError(...errors.otherSpz(what));
  if (count > MAX_GAUSSIANS) throw new ViewerError(...errors.tooMany(what, MAX_GAUSSIANS));
  return HEADER + count * (20 + 3 * (HARMONICS[first[12]!] ?? 0));
}
