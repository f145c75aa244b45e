import type { Source } from "../download";
import { ViewerError } from "../errors";
import { MAX_GAUSSIANS } from "../limits";
import { texts } from "../texts";
import { byte, pack, packRotation, type Records, SH_C0, WORDS } from "./records";

const MAGIC = 0x5053474e;
const HEADER = 16;
const HARMONICS = [0, 3, 8, 15];
/** Gaussians that are converted before the page may draw again. */
const BATCH = 1 << 16;

/**
 * Reads an .spz of version 2 or 3 (https://github.com/nianticlabs/spz): one array after the other, so that
 * nothing can be shown before all of it is here. Colours of degree 0 are shown.
 */
export async function* readSpz(source: Source): Records {
  const bytes = await inflate(source);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [version, count, degree, fraction] = [view.getUint32(4, true), view.getUint32(8, true), bytes[12]!, bytes[13]!];
  const rotationBytes = version === 2 ? 3 : 4;
  if (bytes.length < HEADER + count * (16 + rotationBytes)) throw new ViewerError(...texts.errors.damaged(source.what));
  if (degree >= HARMONICS.length) throw new ViewerError(...texts.errors.damaged(source.what));
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

/** Unpacks to at most what its header may claim. */
async function inflate(source: Source): Promise<Uint8Array> {
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      try {
        for await (const chunk of source.chunks) controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  let limit = HEADER;
  const reader = stream.pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (parts.length === 0) limit = announced(value, source.what);
      size += value.length;
      if (size > limit) throw new ViewerError(...texts.errors.damaged(source.what));
      parts.push(value);
    }
  } catch (error) {
    throw error instanceof ViewerError ? error : new ViewerError(...texts.errors.damaged(source.what));
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) whole.set(part, at), (at += part.length);
  if (size < HEADER) throw new ViewerError(...texts.errors.damaged(source.what));
  return whole;
}

/** The bytes that a header announces, at most. */
function announced(first: Uint8Array, what: string): number {
  if (first.length < HEADER) throw new ViewerError(...texts.errors.damaged(what));
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  const [magic, version, count] = [view.getUint32(0, true), view.getUint32(4, true), view.getUint32(8, true)];
  if (magic !== MAGIC || version < 2 || version > 3) throw new ViewerError(...texts.errors.otherSpz(what));
  if (count > MAX_GAUSSIANS) throw new ViewerError(...texts.errors.tooMany(what, MAX_GAUSSIANS));
  return HEADER + count * (20 + 3 * (HARMONICS[first[12]!] ?? 0));
}
