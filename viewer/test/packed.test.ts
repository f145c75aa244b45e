import { describe, expect, test } from "vitest";
import { readSog, sizeOf } from "../src/formats/sog";
import { smallestThree } from "../src/formats/spz";
import { unzip } from "../src/formats/zip";

type Bytes = Uint8Array<ArrayBuffer>;

/** A lossless WebP's header of a width and height; nothing behind it. */
function webp(width: number, height: number): Bytes {
  const bytes = new Uint8Array(64);
  bytes.set(new TextEncoder().encode("RIFF"), 0);
  bytes.set(new TextEncoder().encode("WEBPVP8L"), 8);
  bytes[20] = 0x2f;
  new DataView(bytes.buffer).setUint32(21, (width - 1) | ((height - 1) << 14), true);
  return bytes;
}

function zip(files: Readonly<Record<string, Bytes>>, method = 0): Bytes {
  const parts: Bytes[] = [];
  const entries: Bytes[] = [];
  let at = 0;
  const add = (list: Bytes[], size: number, fill: (view: DataView) => void): void => {
    const part = new Uint8Array(size);
    fill(new DataView(part.buffer));
    list.push(part);
  };
  for (const [name, content] of Object.entries(files)) {
    const label = new TextEncoder().encode(name);
    const start = at;
    add(parts, 30, (v) => (v.setUint32(0, 0x04034b50, true), v.setUint16(26, label.length, true)));
    parts.push(label, content);
    at += 30 + label.length + content.length;
    add(entries, 46, (v) => {
      v.setUint32(0, 0x02014b50, true);
      v.setUint16(10, method, true);
      v.setUint32(24, content.length, true);
      v.setUint16(28, label.length, true);
      v.setUint32(42, start, true);
    });
    entries.push(label);
  }
  const directory = at;
  add(entries, 22, (v) => {
    v.setUint32(0, 0x06054b50, true);
    v.setUint16(8, Object.keys(files).length, true);
    v.setUint32(16, directory, true);
  });
  const all = [...parts, ...entries];
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let put = 0;
  for (const part of all) bytes.set(part, put), (put += part.length);
  return bytes;
}

const codebook = Array.from({ length: 256 }, (_, i) => i / 256);
const META = {
  version: 2,
  count: 16,
  means: { mins: [-1, -1, -1], maxs: [1, 1, 1], files: ["l", "u"] },
  scales: { codebook, files: ["s"] },
  quats: { files: ["q"] },
  sh0: { codebook, files: ["c"] },
};
const json = (value: unknown): Bytes => new TextEncoder().encode(JSON.stringify(value));
const sog = (meta: unknown = META, size: Bytes = webp(4, 4)): Bytes =>
  zip({ "meta.json": json(meta), l: size, u: size, s: size, q: size, c: size });

describe("a zip", () => {
  test("gives its files without copying them", () => {
    const bytes = zip({ a: Uint8Array.of(1, 2), b: Uint8Array.of(3) });
    const files = unzip(bytes, "It");
    expect([...files.get("a")!]).toEqual([1, 2]);
    expect(files.get("b")!.buffer).toBe(bytes.buffer);
  });

  test.each([
    ["cut off", zip({ a: new Uint8Array(9) }).subarray(0, 40) as Bytes],
    ["empty", new Uint8Array(0)],
    ["compressed", zip({ a: new Uint8Array(9) }, 8)],
    ["full of files", zip(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}`, new Uint8Array(1)])))],
  ])("that is %s is refused", (_, bytes) => {
    expect(() => unzip(bytes, "It")).toThrow("damaged");
  });
});

describe("a .sog", () => {
  test("is read when it holds what it says", () => {
    expect(readSog(sog(), "It").meta.count).toBe(16);
  });

  test.each<[string, Bytes]>([
    ["without a description", zip({ l: webp(4, 4) })],
    ["of another version", sog({ ...META, version: 3 })],
    ["with more Gaussians than pixels", sog({ ...META, count: 17 })],
    ["with pictures far larger than it needs", sog(META, webp(16_000, 16_000))],
    ["with a codebook of words", sog({ ...META, sh0: { ...META.sh0, codebook: codebook.map(String) } })],
    ["with a short codebook", sog({ ...META, scales: { ...META.scales, codebook: [1] } })],
    ["with places beyond all", sog({ ...META, means: { ...META.means, maxs: [1, 1, 900] } })],
    ["with a picture that is not there", sog({ ...META, quats: { files: ["nowhere"] } })],
    ["with a palette of another size", sog({ ...META, shN: { codebook, files: ["c", "q"] } })],
    ["with a picture that is none", sog(META, new Uint8Array(64))],
  ])("%s is refused", (_, bytes) => {
    expect(() => readSog(bytes, "It")).toThrow("damaged");
  });

  test("of too many Gaussians is refused", () => {
    expect(() => readSog(sog({ ...META, count: 9e6 }), "It")).toThrow("more Gaussians");
  });

  test("says its pictures' size before they are decoded", () => {
    expect(sizeOf(webp(1000, 640))).toEqual({ width: 1000, height: 640 });
  });
});

test("three components of a rotation give the fourth", () => {
  // z is the largest; sign and nine bits of x, y and w, w lowest.
  const word = ((2 << 30) | ((512 | 100) << 20) | (200 << 10) | 50) >>> 0;
  const [w, x, y, z] = smallestThree(word) as [number, number, number, number];
  const unit = Math.SQRT1_2 / 511;
  expect([w, x, y].map((v) => v / unit)).toEqual([expect.closeTo(50), expect.closeTo(-100), expect.closeTo(200)]);
  expect(w * w + x * x + y * y + z * z).toBeCloseTo(1);
});
