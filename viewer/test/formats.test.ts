import { describe, expect, test } from "vitest";
import type { Source } from "../src/download";
import { readPly } from "../src/formats/ply";
import { Aligner, type Records } from "../src/formats/records";
import { readSplat } from "../src/formats/splat";

/** A source that hands out `bytes` in pieces of `size`. */
function source(bytes: Uint8Array, size: number): Source {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
  }
  return { what: "The file", total: bytes.length, chunks: chunks() };
}

async function collect(records: Records): Promise<Uint32Array> {
  const words: number[] = [];
  for await (const batch of records) words.push(...batch);
  return Uint32Array.from(words);
}

const bytesOf = (...words: number[]): Uint8Array => new Uint8Array(Uint32Array.from(words).buffer);

const FIELDS = ["x", "y", "z", "nx", "f_dc_0", "f_dc_1", "f_dc_2", "f_rest_0", "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"];

function ply(vertices: readonly number[][], fields = FIELDS, count = vertices.length): Uint8Array {
  const header = ["ply", "format binary_little_endian 1.0", "comment ours", `element vertex ${count}`, ...fields.map((f) => `property float ${f}`), "end_header", ""];
  const body = new Uint8Array(Float32Array.from(vertices.flat()).buffer);
  return new Uint8Array([...new TextEncoder().encode(header.join("\n")), ...body]);
}

describe("an aligner", () => {
  test("hands out whole items and keeps the rest", () => {
    const aligner = new Aligner(4);
    expect([...aligner.push(Uint8Array.of(1, 2, 3))]).toEqual([]);
    expect([...aligner.push(Uint8Array.of(4, 5))]).toEqual([1, 2, 3, 4]);
    expect(aligner.pending).toBe(1);
  });
});

describe("a .splat", () => {
  const words = Array.from({ length: 24 }, (_, i) => i * 0x01010101);

  test.each([1, 7, 32, 33, 1000])("comes whole out of pieces of %i bytes", async (size) => {
    expect([...(await collect(readSplat(source(bytesOf(...words), size))))]).toEqual(words);
  });

  test("that was cut off is refused", async () => {
    await expect(collect(readSplat(source(bytesOf(...words).slice(0, 70), 32)))).rejects.toThrow("multiple of 32");
  });

  test("that is an error page is refused", async () => {
    const page = new TextEncoder().encode("<!doctype html><html><body>Not here, sorry</body></html>");
    await expect(collect(readSplat(source(page, 1000)))).rejects.toThrow("web page");
  });
});

describe("a .ply", () => {
  const SH = 0.28209479177387814;
  const vertex = [1, 2, 3, 0, 0.5 / SH, 0, -0.5 / SH, 9, 0, Math.log(0.5), 0, Math.log(2), 2, 0, 0, 0];

  test.each([1, 5, 64, 10_000])("becomes records, in pieces of %i bytes", async (size) => {
    const words = await collect(readPly(source(ply([vertex, vertex]), size)));
    const floats = new Float32Array(words.buffer);
    expect(words).toHaveLength(16);
    expect([...floats.slice(8, 11)]).toEqual([1, 2, 3]);
    [0.5, 1, 2].forEach((size, axis) => expect(floats[11 + axis]).toBeCloseTo(size, 6));
    expect([...new Uint8Array(words.buffer, 24, 8)]).toEqual([255, 128, 0, 128, 255, 128, 128, 128]);
  });

  test("of points without Gaussians is refused by the missing field", async () => {
    await expect(collect(readPly(source(ply([[1, 2, 3]], ["x", "y", "z"]), 99)))).rejects.toThrow("“scale_0”");
  });

  test("that claims more than may be shown is refused before anything is allocated", async () => {
    await expect(collect(readPly(source(ply([vertex], FIELDS, 1e15), 99)))).rejects.toThrow("more Gaussians");
  });

  test("that is shorter than it claims is refused", async () => {
    await expect(collect(readPly(source(ply([vertex], FIELDS, 2), 99)))).rejects.toThrow("broke");
  });

  test.each(["", "ply\nformat ascii 1.0\nend_header\n", "x".repeat(100_000)])("that is none is refused", async (text) => {
    await expect(collect(readPly(source(new TextEncoder().encode(text), 4096)))).rejects.toThrow("not a binary");
  });
});

describe("a .compressed.ply", () => {
  const BOUNDS = ["x", "y", "z", "scale_x", "scale_y", "scale_z", "r", "g", "b"];
  const fields = (names: readonly string[]): string[] =>
    [0, 3, 6].flatMap((at) => ["min", "max"].flatMap((end) => names.slice(at, at + 3).map((name) => `property float ${end}_${name}`)));

  /** `count` Gaussians, each in the middle of its group's bounds; the groups' low corners are 0, 100, 200 … */
  function compressed(count: number, colours: boolean, rotation = 0): Uint8Array {
    const names = colours ? BOUNDS : BOUNDS.slice(0, 6);
    const groups = Math.ceil(count / 256);
    const packed = ["position", "rotation", "scale", "color"].map((name) => `property uint packed_${name}`);
    const header = ["ply", "format binary_little_endian 1.0", `element chunk ${groups}`, ...fields(names), `element vertex ${count}`, ...packed, "end_header", ""];
    const log = Math.log(2);
    const bounds = Array.from({ length: groups }, (_, i) => [100 * i, 0, -8, 100 * i + 2047, 1023, -8, 0, -log, log, 0, -log, log, ...(colours ? [0, 0, 0.5, 0.5, 1, 0.5] : [])]);
    const gaussian = [(8 << 21) | (512 << 11) | 5, rotation, (9 << 21) | (9 << 11) | 9, (255 << 24) | (128 << 16) | (0 << 8) | 64];
    const body = [Float32Array.from(bounds.flat()), Uint32Array.from(Array.from({ length: count }, () => gaussian.map((word) => word >>> 0)).flat())];
    return new Uint8Array([...new TextEncoder().encode(header.join("\n")), ...body.flatMap((part) => [...new Uint8Array(part.buffer)])]);
  }

  test.each([7, 64, 100_000])("becomes records by the bounds of its groups, in pieces of %i bytes", async (size) => {
    const words = await collect(readPly(source(compressed(257, true), size)));
    const floats = new Float32Array(words.buffer);
    expect(words).toHaveLength(257 * 8);
    expect([...floats.slice(0, 3)]).toEqual([8, 512, -8]);
    expect([...floats.slice(256 * 8, 256 * 8 + 3)]).toEqual([108, 512, -8]);
    [1, 0.5, 2].forEach((value, axis) => expect(floats[3 + axis]).toBeCloseTo(value, 6));
    expect([...new Uint8Array(words.buffer, 24, 4)]).toEqual([128, 128, 128, 64]);
  });

  test("without bounds for colours has them as they are", async () => {
    const words = await collect(readPly(source(compressed(1, false), 999)));
    expect([...new Uint8Array(words.buffer, 24, 4)]).toEqual([255, 128, 0, 64]);
  });

  test.each([0, 1, 2, 3])("turns about the axis that is told: %i", async (largest) => {
    const half = 511;
    const words = await collect(readPly(source(compressed(1, true, (largest << 30) | (half << 20) | (half << 10) | half), 999)));
    const q = [...new Uint8Array(words.buffer, 28, 4)];
    expect(q.map((value, i) => Math.abs(value - (i === largest ? 255 : 128)) <= 1)).toEqual([true, true, true, true]);
  });

  test("that is shorter than it claims is refused", async () => {
    await expect(collect(readPly(source(compressed(9, true).slice(0, -1), 99)))).rejects.toThrow("broke");
  });

  test("whose groups do not fit its Gaussians is refused", async () => {
    const text = new TextDecoder("latin1").decode(compressed(9, true)).replace("element vertex 9", "element vertex 900000");
    await expect(collect(readPly(source(Uint8Array.from(text, (c) => c.charCodeAt(0)), 99)))).rejects.toThrow("damaged");
  });
});
