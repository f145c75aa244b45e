import type { Geodetic } from "./geo";
import { add, cross, distance, length, scale, sub, type Vec3 } from "../math";

/** What a line through some places tells, world units and radians. */
export interface Figures {
  /** Along the line. */
  readonly distance: number;
  /** The same on a map. */
  readonly level: number;
  /** From the first place up to the last. */
  readonly height: number;
  /** Of the straight line from the first place to the last, up from the horizon. */
  readonly slope: number;
  /** Enclosed when the line is closed: on the plane that fits it best, and on a map. Null below three places. */
  readonly area: number | null;
  readonly levelArea: number | null;
}

/** Measures a line through at least two places; null with fewer. */
export function figures(places: readonly Vec3[]): Figures | null {
  const [first, last] = [places[0], places.at(-1)];
  if (!first || !last || places.length < 2) return null;
  const span = sub(last, first);
  const normal = places.length > 2 ? enclosed(places) : null;
  return {
    distance: total(places),
    level: total(places.map(([x, y]) => [x, y, 0])),
    height: span[2],
    slope: Math.atan2(span[2], Math.hypot(span[0], span[1])),
    area: normal && length(normal),
    levelArea: normal && Math.abs(normal[2]),
  };
}

/** Places and figures as a spreadsheet reads them; `unit` is “m” or “units”, `earth` says where a place is on it. */
export function toCsv(places: readonly Vec3[], unit: string, earth: ((place: Vec3) => Geodetic) | null = null): string {
  const located = (place: Vec3): (string | number)[] => {
    if (!earth) return [];
    const { latitude, longitude, altitude } = earth(place);
    return [latitude.toFixed(8), longitude.toFixed(8), rounded(altitude)];
  };
  const head = ["point", `x (${unit})`, `y (${unit})`, `z (${unit})`];
  const rows: (string | number)[][] = [earth ? [...head, "latitude", "longitude", "altitude (m)"] : head];
  rows.push(...places.map((place, i) => [i + 1, ...place.map(rounded), ...located(place)]));
  const found = figures(places);
  if (found) {
    rows.push([], ["figure", "value", "unit"]);
    rows.push(["distance", rounded(found.distance), unit], ["level distance", rounded(found.level), unit]);
    rows.push(["height", rounded(found.height), unit], ["slope", rounded((found.slope * 180) / Math.PI), "degrees"]);
    if (found.area !== null) rows.push(["area", rounded(found.area), `${unit}²`], ["level area", rounded(found.levelArea!), `${unit}²`]);
  }
  return rows.map((row) => `${row.join(",")}\r\n`).join("");
}

const rounded = (value: number): number => Number(value.toFixed(4));

const total = (places: readonly Vec3[]): number =>
  places.slice(1).reduce((sum, place, i) => sum + distance(places[i]!, place), 0);

/** Newell's vector: as long as the enclosed area, and upright on it. */
const enclosed = (places: readonly Vec3[]): Vec3 => {
  const from = places[0]!;
  const arms = places.map((place) => sub(place, from)); // small numbers, also far from the origin
  return scale(arms.slice(1).reduce<Vec3>((sum, arm, i) => add(sum, cross(arms[i]!, arm)), [0, 0, 0]), 0.5);
};
