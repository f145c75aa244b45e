import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Source } from "../src/download";
import { readPly } from "../src/formats/ply";
import type { Records } from "../src/formats/records";
import { readSog, sizeOf } from "../src/formats/sog";
import { readSpz, smallestThree } from "../src/formats/spz";
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

describe("an .spz of version 4", () => {
  const FIELDS = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"];
  /** Nothing in it is regular, so that every array of it is really compressed. */
  const vertex = (i: number): number[] => {
    const wave = (k: number): number => Math.sin(0.7 * i * k + k);
    return [4 * wave(1), 3 * wave(2), 2 * wave(3), wave(4), wave(5), wave(6), 2 * wave(7), wave(8) - 3, wave(9) - 3, wave(10) - 3, wave(11), wave(12), wave(13), 1.5];
  };
  const ply = (count: number): Bytes => {
    const header = ["ply", "format binary_little_endian 1.0", `element vertex ${count}`, ...FIELDS.map((name) => `property float ${name}`), "end_header", ""];
    const body = Float32Array.from(Array.from({ length: count }, (_, i) => vertex(i)).flat());
    return new Uint8Array([...new TextEncoder().encode(header.join("\n")), ...new Uint8Array(body.buffer)]);
  };
  const source = (bytes: Bytes): Source => ({ what: "It", total: bytes.length, chunks: new Blob([bytes]).stream() as unknown as AsyncIterable<Uint8Array> });
  const collect = async (records: Records): Promise<Uint32Array> => {
    const words: number[] = [];
    for await (const batch of records) words.push(...batch);
    return Uint32Array.from(words);
  };

  /** What PlayCanvas's tool, and in it the format's own library, makes of a .ply. */
  function packed(bytes: Bytes): Bytes {
    const folder = mkdtempSync(join(tmpdir(), "spz-"));
    try {
      writeFileSync(join(folder, "in.ply"), bytes);
      execFileSync("node", ["node_modules/@playcanvas/splat-transform/bin/cli.mjs", "-q", "-w", join(folder, "in.ply"), join(folder, "out.spz")]);
      return new Uint8Array(readFileSync(join(folder, "out.spz")));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("holds what the .ply holds that it was made of", async () => {
    const file = packed(ply(500));
    expect(new DataView(file.buffer).getUint32(4, true)).toBe(4);
    const [from, to] = [await collect(readPly(source(ply(500)))), await collect(readSpz(source(file)))];
    const [floats, found] = [new Float32Array(from.buffer), new Float32Array(to.buffer)];
    const [bytes, seen] = [new Uint8Array(from.buffer), new Uint8Array(to.buffer)];
    for (let i = 0; i < 500; i++) {
      [0, 1, 2].forEach((axis) => expect(found[8 * i + axis]).toBeCloseTo(floats[8 * i + axis]!, 3));
      [3, 4, 5].forEach((k) => expect(Math.abs(Math.log(found[8 * i + k]! / floats[8 * i + k]!))).toBeLessThan(0.04));
      [24, 25, 26, 27].forEach((k) => expect(Math.abs(seen[32 * i + k]! - bytes[32 * i + k]!)).toBeLessThan(3));
      const q = (of: Uint8Array): number[] => [28, 29, 30, 31].map((k) => (of[32 * i + k]! - 128) / 128);
      const [[w, x, y, z], [a, b, c, d]] = [q(bytes), q(seen)] as [number[], number[]];
      expect(Math.abs(w! * a! + x! * b! + y! * c! + z! * d!)).toBeGreaterThan(0.98);
    }
    for (const damaged of [file.slice(0, 40), file.slice(0, -90), file.map((byte, i) => (i === 47 ? 255 : byte)), file.map((byte, i) => (i > 150 && i < 190 ? 0 : byte))])
      await expect(collect(readSpz(source(damaged)))).rejects.toThrow("damaged");
  });

  test("that claims more than may be shown is refused before anything is allocated", async () => {
    const file = new Uint8Array(48);
    new DataView(file.buffer).setUint32(0, 0x5053474e, true);
    new DataView(file.buffer).setUint32(4, 4, true);
    new DataView(file.buffer).setUint32(8, 4_000_000_000, true);
    await expect(collect(readSpz(source(file)))).rejects.toThrow("more Gaussians");
    new DataView(file.buffer).setUint32(4, 5, true);
    await expect(collect(readSpz(source(file)))).rejects.toThrow("another version");
  });
});
