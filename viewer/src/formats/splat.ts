import type { Source } from "../download";
import { ViewerError } from "../errors";
import { errors } from "../texts/errors";
import { Aligner, BYTES, type Records } from "./records";

/** Reads a .splat as it arrives. The format has no header: only its length and its start can betray a wrong file. */
export async function* readSplat(source: Source): Records {
  const aligner = new Aligner(BYTES);
  let first = true;
  for await (const chunk of source.chunks) {
    const bytes = aligner.push(chunk);
    if (bytes.length === 0) continue;
    if (first && looksLikeText(bytes)) throw new ViewerError(...errors.notASplat(source.what));
    first = false;
    yield new Uint32Array(bytes.buffer, 0, bytes.length / 4);
  }
  if (aligner.pending > 0) throw new ViewerError(...errors.brokenSplat(source.what));
}

/** Error pages come with status 200 from some storages. Sixteen printable bytes are no coordinates. */
function looksLikeText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 16).every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);
}
