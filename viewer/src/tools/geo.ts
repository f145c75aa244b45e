/** Where places of a georeferenced scene are on the earth. */
import { distance, radians, type Vec3 } from "../math";

/** WGS 84: degrees, and metres above its ellipsoid (or what the photos' GPS took for it). */
export interface Geodetic {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude: number;
}

/** Where (0, 0, 0) of a scene is whose axes point east, north and up, in metres. */
export interface Georeference extends Geodetic {
  /** The UTM zone that maps draw it in: 326zz north, 327zz south of the equator. */
  readonly epsg: number | null;
}

export interface Utm {
  readonly zone: number;
  readonly north: boolean;
  readonly easting: number;
  readonly northing: number;
}

const A = 6378137;
const F = 1 / 298.257223563;
const E2 = F * (2 - F);

/** A place of the scene on WGS 84. */
export function toWgs84([east, north, up]: Vec3, origin: Geodetic): Geodetic {
  const [phi, lambda] = [radians(origin.latitude), radians(origin.longitude)];
  const [x, y, z] = toEarth(phi, lambda, origin.altitude);
  const [sp, cp, sl, cl] = [Math.sin(phi), Math.cos(phi), Math.sin(lambda), Math.cos(lambda)];
  return fromEarth(
    x - sl * east - sp * cl * north + cp * cl * up,
    y + cl * east - sp * sl * north + cp * sl * up,
    z + cp * north + sp * up,
  );
}

/** The straight way from one place to another, metres. */
export function metresApart(a: Geodetic, b: Geodetic): number {
  const at = ({ latitude, longitude, altitude }: Geodetic): Vec3 => toEarth(radians(latitude), radians(longitude), altitude);
  return distance(at(a), at(b));
}

/** Metres from the earth's centre. */
function toEarth(phi: number, lambda: number, altitude: number): Vec3 {
  const n = A / Math.sqrt(1 - E2 * Math.sin(phi) ** 2);
  const out = (n + altitude) * Math.cos(phi);
  return [out * Math.cos(lambda), out * Math.sin(lambda), (n * (1 - E2) + altitude) * Math.sin(phi)];
}

/** The reverse, by the fixed point of Bowring (1976): three rounds are exact to micrometres near the ground. */
function fromEarth(x: number, y: number, z: number): Geodetic {
  const out = Math.hypot(x, y);
  let phi = Math.atan2(z, out * (1 - E2));
  for (let i = 0; i < 3; i++) phi = Math.atan2(z + E2 * (A / Math.sqrt(1 - E2 * Math.sin(phi) ** 2)) * Math.sin(phi), out);
  const n = A / Math.sqrt(1 - E2 * Math.sin(phi) ** 2);
  const altitude = out * Math.cos(phi) + z * Math.sin(phi) - (A * A) / n;
  return { latitude: (phi * 180) / Math.PI, longitude: (Math.atan2(y, x) * 180) / Math.PI, altitude };
}

/** The transverse Mercator series of Krüger in n to the third order, as in Karney (2011), equations 7 to 12 and 35. */
const N = F / (2 - F);
const RADIUS = (A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const ALPHA = [
  N / 2 - (2 / 3) * N ** 2 + (5 / 16) * N ** 3,
  (13 / 48) * N ** 2 - (3 / 5) * N ** 3,
  (61 / 240) * N ** 3,
] as const;
const SHRINK = 0.9996;

/** A place in UTM, in the zone that an EPSG code names; null for another code. */
export function toUtm({ latitude, longitude }: Geodetic, epsg: number): Utm | null {
  const [zone, north] = [epsg % 100, Math.floor(epsg / 100) === 326];
  if ((!north && Math.floor(epsg / 100) !== 327) || zone < 1 || zone > 60) return null;
  const phi = radians(latitude);
  const lambda = radians(longitude - (6 * zone - 183));
  const e = Math.sqrt(E2);
  const t = Math.sinh(Math.atanh(Math.sin(phi)) - e * Math.atanh(e * Math.sin(phi)));
  const xi = Math.atan2(t, Math.cos(lambda));
  const eta = Math.atanh(Math.sin(lambda) / Math.hypot(1, t));
  const sum = (of: (k: number) => number): number => ALPHA.reduce((all, alpha, i) => all + alpha * of(2 * (i + 1)), 0);
  const easting = SHRINK * RADIUS * (eta + sum((k) => Math.cos(k * xi) * Math.sinh(k * eta)));
  const northing = SHRINK * RADIUS * (xi + sum((k) => Math.sin(k * xi) * Math.cosh(k * eta)));
  return { zone, north, easting: easting + 500_000, northing: northing + (north ? 0 : 10_000_000) };
}
