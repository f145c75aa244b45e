import { ViewerError } from "../errors";
import { errors } from "../texts/errors";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const FILE = 0x04034b50;
const END_BYTES = 22;
/** A .sog holds eight files; what holds many more is something else. */
const MAX_FILES = 64;

/** The files of a zip that are stored as they are, by name, as views into `bytes`. Nothing is copied. */
export function unzip(bytes: Uint8Array<ArrayBuffer>, what: string): Map<string, Uint8Array<ArrayBuffer>> {
  const damaged = (): ViewerError => new ViewerError(...errors.damaged(what));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  try {
    const end = bytes.byteLength - END_BYTES; // a comment behind it is not written by anybody
    if (view.getUint32(end, true) !== END) throw damaged();
    const count = view.getUint16(end + 8, true);
    let at = view.getUint32(end + 16, true);
    if (count > MAX_FILES) throw damaged();
    for (let i = 0; i < count; i++) {
      if (view.getUint32(at, true) !== ENTRY || view.getUint16(at + 10, true) !== 0) throw damaged();
      const size = view.getUint32(at + 24, true);
      const nameLength = view.getUint16(at + 28, true);
      const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
      const local = view.getUint32(at + 42, true);
      if (view.getUint32(local, true) !== FILE) throw damaged();
      const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      if (start + size > bytes.byteLength) throw damaged();
      files.set(name, bytes.subarray(start, start + size));
      at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
  } catch {
    throw damaged(); // also what DataView says of a place outside the file
  }
  return files;
}
