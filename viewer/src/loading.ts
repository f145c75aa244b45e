import { fromFile, open, type Source, whole } from "./download";
import { ViewerError } from "./errors";
import { readPly } from "./formats/ply";
import { BYTES, type Records, WORDS } from "./formats/records";
import { readSog } from "./formats/sog";
import { readSplat } from "./formats/splat";
import { readSpz } from "./formats/spz";
import { gaussiansFor, MAX_GAUSSIANS, MAX_PLY_BYTES, MAX_SPLAT_BYTES, thisDevice } from "./limits";
import type { Level, Manifest } from "./manifest";
import type { Cloud } from "./scene/cloud";
import type { Layers } from "./scene/layers";
import type { Side } from "./scene/side";
import { errors, theSplat } from "./texts/errors";

/** Fewer Gaussians than this look worse than the poster. */
const MIN_PICTURE = 10_000;
/** The part of a .splat that is already a picture: its records come in the order of their importance. */
const PART = 0.2;

/** The next file is asked for when so little of one is still to come. */
const AHEAD_BYTES = 100_000;

/** Bytes that have come, and bytes to come when that is known. */
export type Tell = (done: number, total: number | null) => void;

/** What is on the stage. `Loading` yields it whenever there is more to be seen. */
export type Subject = Cloud | Layers;

/** Puts a scene on the stage, part by part. Ending it early ends its transfers. */
export type Loading = (stage: Side, tell: Tell) => AsyncGenerator<Subject, void>;

/**
 * What a manifest names: its levels of detail as far as this device can bear them, else its splat file. `share` of
 * what can be borne is this scene's.
 */
export function fromManifest(manifest: Manifest, share = 1): Loading {
  if (manifest.levels.length > 0) return levels(bearable(manifest.levels, share * gaussiansFor(thisDevice())));
  const url = manifest.splatUrl;
  const limit = share * (/\.ply$/i.test(url.pathname) ? MAX_PLY_BYTES : MAX_SPLAT_BYTES);
  return async function* (stage, tell) {
    yield* ofSource(await open(url, theSplat, limit), manifest.metadata.gaussians, share)(stage, tell);
  };
}

/** A file from this computer. */
export function fromThisComputer(file: File): Loading {
  const limit = /\.ply$/i.test(file.name) ? MAX_PLY_BYTES : MAX_SPLAT_BYTES;
  const source = fromFile(file);
  if (!/\.(ply|splat|spz|sog)$/i.test(file.name)) throw new ViewerError(...errors.unknownFile(file.name.slice(0, 80)));
  if (file.size > limit) throw new ViewerError(...errors.tooLarge(source.what, limit / 1e6));
  return ofSource(source, null, 1);
}

/** The first levels, as long as they have at most so many Gaussians together; always one. */
export function bearable(all: readonly Level[], most: number): readonly Level[] {
  let sum = 0;
  return all.filter((level, i) => (sum += level.gaussians) <= most || i === 0);
}

/** One file after the other arrives, from now on, and is decoded while the next one does. */
function levels(wanted: readonly Level[]): Loading {
  const transfers = new AbortController();
  const total = wanted.reduce((sum, level) => sum + level.bytes, 0);
  let done = 0;
  let tell: Tell = () => {};
  let before: Promise<unknown> = Promise.resolve();
  const arrivals = wanted.map((level) => {
    const turn = before;
    let nearly = (): void => {};
    const almost = new Promise<void>((resolve) => (nearly = resolve));
    const arrive = async (): Promise<Uint8Array<ArrayBuffer>> => {
      await turn;
      const source = await open(level.url, theSplat, level.bytes, transfers.signal);
      let left = level.bytes;
      return whole(source, (bytes) => {
        tell(Math.min((done += bytes), total), total);
        if ((left -= bytes) < AHEAD_BYTES) nearly(); // the line is never idle
      });
    };
    const arrival = arrive();
    arrival.catch(() => undefined); // told when its turn comes
    before = Promise.race([almost, arrival]);
    before.catch(() => undefined);
    return arrival;
  });
  return async function* (stage, say) {
    tell = say;
    tell(done, total);
    try {
      stage.filter(true); // levels come from our own training, which does
      const layers = stage.newLayers();
      layers.warm();
      for (const [i, arrival] of arrivals.entries()) {
        await layers.add(readSog(await arrival, theSplat), wanted[i]!.grow);
        stage.refine(i === wanted.length - 1);
        yield layers;
      }
    } finally {
      transfers.abort();
    }
  };
}

/** Reads what a file is from its first bytes: addresses may say nothing. */
function ofSource(source: Source, promised: number | null, share: number): Loading {
  const most = share * MAX_GAUSSIANS;
  return async function* (stage, tell) {
    stage.filter(false); // as most trainers leave it, until the file says that its own did not
    const { kind, source: again } = await sniff(counted(source, tell));
    if (kind === "sog") {
      const bytes = await whole(again, () => undefined);
      const sog = readSog(bytes, source.what);
      if (sog.meta.count > most) throw new ViewerError(...errors.tooMany(source.what, most));
      stage.filter(sog.meta.model === "antialiased");
      const layers = stage.newLayers();
      await layers.add(sog, 1);
      stage.refine(true);
      yield layers;
      return;
    }
    const readers = { ply: readPly, spz: readSpz, splat: readSplat };
    // The length of the transfer is believed before the manifest's figure, which only sizes the first allocation.
    const length = kind === "splat" && source.total !== null ? Math.floor(source.total / BYTES) : promised;
    yield* streamed(stage, readers[kind](again, (filtered) => stage.filter(filtered)), length || null, source.what, most);
  };
}

async function* streamed(stage: Side, records: Records, expected: number | null, what: string, most: number): AsyncGenerator<Subject, void> {
  const cloud = stage.newCloud(expected && Math.min(expected, most));
  for await (const batch of records) {
    if (cloud.count + batch.length / WORDS > most) throw new ViewerError(...errors.tooMany(what, most));
    cloud.append(batch);
    if (!cloud.worthShowing || cloud.count < Math.max(MIN_PICTURE, PART * (expected ?? Infinity))) continue;
    cloud.show();
    yield cloud;
  }
  if (cloud.count === 0) throw new ViewerError(...errors.empty(what));
  cloud.show();
  yield cloud;
}

type Kind = "sog" | "spz" | "ply" | "splat";

async function sniff(source: Source): Promise<{ kind: Kind; source: Source }> {
  const chunks = source.chunks[Symbol.asyncIterator]();
  const first = await chunks.next();
  const start = first.done ? new Uint8Array(0) : first.value;
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => start[i] === byte);
  const kind = starts(0x50, 0x4b, 3, 4) ? "sog" : starts(0x1f, 0x8b) || starts(0x4e, 0x47, 0x53, 0x50) ? "spz" : starts(0x70, 0x6c, 0x79, 0x0a) || starts(0x70, 0x6c, 0x79, 0x0d) ? "ply" : "splat";
  async function* again(): AsyncGenerator<Uint8Array> {
    try {
      if (!first.done) yield first.value;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { kind, source: { ...source, chunks: again() } };
}

function counted(source: Source, tell: Tell): Source {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let done = 0;
    tell(0, source.total);
    for await (const chunk of source.chunks) {
      done += chunk.byteLength;
      tell(source.total === null ? done : Math.min(done, source.total), source.total);
      yield chunk;
    }
  }
  return { ...source, chunks: chunks() };
}
