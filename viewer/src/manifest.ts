import { ViewerError } from "./errors";
import { MAX_COORDINATE, MAX_EPSG, MAX_FORMATS, MAX_GAUSSIANS, MAX_GROUND_CELLS, MAX_GROW, MAX_LEVELS, MAX_SPLAT_BYTES, MAX_TEXT, MAX_URL } from "./limits";
import { clamp, type Vec2, type Vec3, type Vec4 } from "./math";
import { errors, wanted } from "./texts/errors";
import type { Georeference } from "./tools/geo";
import type { WallGrid } from "./walls";

export interface Camera {
  readonly position: Vec3;
  readonly lookAt: Vec3;
  readonly up: Vec3;
}

export interface Bounds {
  readonly min: Vec3;
  readonly max: Vec3;
  readonly groundZ: number | null;
}

/** Heights of the ground: row-major, `heights[row * columns + column]` at origin + cell × (column, row). */
export interface HeightMap {
  readonly origin: Vec2;
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  readonly heights: Float32Array;
}

/** A .sog that adds Gaussians to the levels before; `grow` is their size while it is the last that is here. */
export interface Level {
  readonly url: URL;
  readonly bytes: number;
  readonly gaussians: number;
  readonly grow: number;
}

/** A file to download. */
export interface Format {
  readonly url: URL;
  readonly bytes: number | null;
}

/** A manifest whose every field was checked: ours, or SplatWalk's version 2 (a subset of ours). */
export interface Manifest {
  readonly splatUrl: URL;
  readonly levels: readonly Level[];
  readonly formats: readonly Format[];
  readonly thumbnailUrl: URL | null;
  readonly title: string | null;
  readonly pipeline: string | null;
  readonly createdAt: Date | null;
  readonly viewerMode: string | null;
  readonly viewerModes: readonly string[];
  readonly bounds: Bounds | null;
  readonly camera: Camera | null;
  readonly walkCamera: Camera | null;
  readonly ground: HeightMap | null;
  readonly walls: WallGrid | null;
  /** The file that tells where the photos were taken. */
  readonly camerasUrl: URL | null;
  /** The part of the training that was over when this was made; null for a finished scene. */
  readonly previewAt: number | null;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly metric: boolean | null;
  readonly gaussians: number | null;
  readonly photos: number | null;
  readonly photosRegistered: number | null;
  readonly psnr: number | null;
  readonly ssim: number | null;
  /** Null where the pipeline had no weights for it. */
  readonly lpips: number | null;
  /** Whether the photos of these figures have trained the scene since. */
  readonly heldOutJoined: boolean | null;
  readonly splatSizeMb: number | null;
  readonly georeference: Georeference | null;
}

/** Reads one JSON object field by field; every complaint names the field. Absent and null are the same. */
export class Fields {
  constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly path = "",
  ) {}

  static of(value: unknown, path: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path || "manifest", wanted.object);
    return new Fields(value as Record<string, unknown>, path);
  }

  private name(key: string): string {
    return this.path ? `${this.path}.${key}` : key;
  }

  private optional<T>(key: string, read: (value: unknown, name: string) => T): T | null {
    // Own properties only: "__proto__" and its kin are not fields.
    const value = Object.hasOwn(this.values, key) ? this.values[key] : null;
    return value === null || value === undefined ? null : read(value, this.name(key));
  }

  private required<T>(key: string, read: (value: unknown, name: string) => T, what: string): T {
    const value = this.optional(key, read);
    if (value === null) throw wrong(this.name(key), what);
    return value;
  }

  child = (key: string): Fields | null => this.optional(key, Fields.of);
  text = (key: string): string | null => this.optional(key, readText);
  number = (key: string): number | null => this.optional(key, readNumber);
  flag = (key: string): boolean | null => this.optional(key, (value) => value === true);
  vec3 = (key: string): Vec3 => this.required(key, (v, n) => readVector(v, n, 3) as unknown as Vec3, wanted.vector(3));
  vec4 = (key: string): Vec4 => this.required(key, (v, n) => readVector(v, n, 4) as unknown as Vec4, wanted.vector(4));
  vec2 = (key: string): Vec2 => this.required(key, (v, n) => readVector(v, n, 2) as unknown as Vec2, wanted.vector(2));
  count = (key: string, limit: number): number | null => this.optional(key, (v, n) => readCount(v, n, limit));
  url = (key: string, base: URL): URL | null => this.optional(key, (v, n) => readUrl(v, n, base));
  requiredUrl = (key: string, base: URL): URL => this.required(key, (v, n) => readUrl(v, n, base), wanted.url);
  requiredNumber = (key: string): number => this.required(key, readNumber, wanted.number);
  positive(key: string): number {
    const value = this.requiredNumber(key);
    if (value <= 0) throw wrong(this.name(key), wanted.positive);
    return value;
  }
  requiredCount = (key: string, limit: number): number =>
    this.required(key, (v, n) => readCount(v, n, limit), wanted.count(limit));
  list = (key: string, limit: number): readonly Fields[] => this.optional(key, (v, n) => readList(v, n, limit)) ?? [];
  raw = (key: string): unknown => this.optional(key, (value) => value);
  field = (key: string): string => this.name(key);
}

/** Checks a parsed manifest; relative addresses are resolved against `base`, the manifest's own. */
export function parseManifest(json: unknown, base: URL): Manifest {
  const root = Fields.of(json, "");
  return {
    splatUrl: root.requiredUrl("splat_url", base),
    levels: readLevels(root, base),
    formats: readFormats(root, base),
    thumbnailUrl: root.url("thumbnail_url", base),
    title: root.text("title"),
    pipeline: root.text("pipeline"),
    createdAt: readDate(root.text("created_at")),
    viewerMode: root.text("viewer_mode"),
    viewerModes: readNames(root.raw("viewer_modes")),
    bounds: readBounds(root.child("scene_bounds")),
    camera: readCamera(root.child("camera_defaults")),
    walkCamera: readCamera(root.child("walk_camera_defaults")),
    ground: readGround(root.child("ground")),
    walls: readWallGrid(root.child("walls")),
    camerasUrl: root.child("cameras")?.requiredUrl("url", base) ?? null,
    previewAt: readPart(root.child("preview")),
    metadata: readMetadata(root.child("metadata")),
  };
}

/** Whether an address may be followed: http(s), and without a password in it. */
export function webAddress(text: string, base?: URL): URL | null {
  if (text.length > MAX_URL || !URL.canParse(text, base?.href)) return null;
  const url = new URL(text, base?.href);
  const plain = url.username === "" && url.password === "";
  return plain && (url.protocol === "https:" || url.protocol === "http:") ? url : null;
}

const readLevels = (root: Fields, base: URL): readonly Level[] =>
  root.list("levels", MAX_LEVELS).map((level) => ({
    url: level.requiredUrl("url", base),
    bytes: level.requiredCount("bytes", MAX_SPLAT_BYTES),
    gaussians: level.requiredCount("gaussians", MAX_GAUSSIANS),
    grow: clamp(level.number("grow") ?? 1, 1, MAX_GROW),
  }));

/** Manifests before version 2, and SplatWalk's, name a .splat and perhaps a .ply, without their size. */
function readFormats(root: Fields, base: URL): readonly Format[] {
  const formats = root.list("formats", MAX_FORMATS).map((format) => ({
    url: format.requiredUrl("url", base),
    bytes: format.count("bytes", Number.MAX_SAFE_INTEGER),
  }));
  const old = [root.requiredUrl("splat_url", base), root.url("ply_url", base)];
  return formats.length > 0 ? formats : old.filter((url) => url !== null).map((url) => ({ url, bytes: null }));
}

function readPart(fields: Fields | null): number | null {
  return fields && clamp(fields.requiredNumber("done"), 0, 1);
}

function readBounds(fields: Fields | null): Bounds | null {
  if (!fields) return null;
  const [min, max] = [fields.vec3("min"), fields.vec3("max")];
  if (min.some((low, axis) => low > max[axis]!)) throw wrong(fields.field("max"), wanted.vector(3));
  return { min, max, groundZ: fields.number("ground_z") };
}

function readCamera(fields: Fields | null): Camera | null {
  return fields && { position: fields.vec3("position"), lookAt: fields.vec3("look_at"), up: fields.vec3("up") };
}

/** A grid that lies in the world: how many cells, of which size, from where on. */
function readGrid(fields: Fields): Omit<HeightMap, "heights"> {
  const columns = fields.requiredCount("columns", MAX_GROUND_CELLS);
  const rows = fields.requiredCount("rows", MAX_GROUND_CELLS);
  if (columns * rows > MAX_GROUND_CELLS) throw wrong(fields.field("rows"), wanted.cells(MAX_GROUND_CELLS));
  return { origin: fields.vec2("origin"), cell: fields.positive("cell"), columns, rows };
}

function readWallGrid(fields: Fields | null): WallGrid | null {
  if (!fields) return null;
  const tops = fields.raw("tops");
  if (typeof tops !== "string") throw wrong(fields.field("tops"), wanted.text);
  return { ...readGrid(fields), level: fields.positive("level"), tops };
}

function readGround(fields: Fields | null): HeightMap | null {
  if (!fields) return null;
  const grid = readGrid(fields);
  const heights = fields.raw("heights");
  const good = Array.isArray(heights) && heights.length === grid.columns * grid.rows && heights.every(sensible);
  if (!good) throw wrong(fields.field("heights"), wanted.heights);
  return { ...grid, heights: Float32Array.from(heights as number[]) };
}

function readMetadata(fields: Fields | null): Metadata {
  const from = fields ?? new Fields({});
  return {
    metric: from.flag("metric"),
    gaussians: from.count("gaussians", MAX_GAUSSIANS),
    photos: from.number("photos") ?? from.number("source_images"), // SplatWalk's name
    photosRegistered: from.number("photos_registered"),
    psnr: from.number("psnr"),
    ssim: from.number("ssim"),
    lpips: from.number("lpips"),
    heldOutJoined: from.flag("held_out_joined"),
    splatSizeMb: from.number("splat_size_mb"),
    georeference: readGeoreference(from.child("georeference")),
  };
}

/** Axes that do not point east, north and up say nothing of places on the earth. */
function readGeoreference(fields: Fields | null): Georeference | null {
  if (!fields || fields.text("axes") !== "ENU") return null;
  const [latitude, longitude] = [fields.requiredNumber("latitude"), fields.requiredNumber("longitude")];
  if (Math.abs(latitude) > 90) throw wrong(fields.field("latitude"), wanted.angle(90));
  if (Math.abs(longitude) > 180) throw wrong(fields.field("longitude"), wanted.angle(180));
  return { latitude, longitude, altitude: fields.number("altitude") ?? 0, epsg: fields.count("epsg", MAX_EPSG) };
}

const sensible = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= MAX_COORDINATE;

function readText(value: unknown, name: string): string {
  if (typeof value !== "string") throw wrong(name, wanted.text);
  return value.slice(0, MAX_TEXT);
}

function readNumber(value: unknown, name: string): number {
  if (!sensible(value)) throw wrong(name, wanted.number);
  return value;
}

function readCount(value: unknown, name: string, limit: number): number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > limit) throw wrong(name, wanted.count(limit));
  return value as number;
}

function readVector(value: unknown, name: string, size: number): readonly number[] {
  if (!Array.isArray(value) || value.length !== size || !value.every(sensible)) throw wrong(name, wanted.vector(size));
  return value;
}

function readList(value: unknown, name: string, limit: number): readonly Fields[] {
  if (!Array.isArray(value) || value.length > limit) throw wrong(name, wanted.list(limit));
  return value.map((item, i) => Fields.of(item, `${name}[${i}]`));
}

function readUrl(value: unknown, name: string, base: URL): URL {
  const url = typeof value === "string" ? webAddress(value, base) : null;
  if (!url) throw wrong(name, wanted.url);
  return url;
}

const readNames = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.slice(0, 16).filter((name) => typeof name === "string") : [];

function readDate(text: string | null): Date | null {
  const date = text === null ? null : new Date(text);
  return date && !Number.isNaN(date.getTime()) ? date : null;
}

export const wrong = (field: string, what: string): ViewerError => new ViewerError(...errors.badField(field, what));
