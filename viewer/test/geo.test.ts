import { describe, expect, test } from "vitest";
import { parseManifest } from "../src/manifest";
import { type Geodetic, metresApart, toUtm, toWgs84 } from "../src/tools/geo";
import { toCsv } from "../src/tools/measure";
import { roundLength } from "../src/ui/mapscale";

/** As pyproj (PROJ 9) has them: a place, its zone and UTM, and where 120 m east, 340 m south and 25 m up of it is. */
const KNOWN: readonly [string, Geodetic, number, readonly [number, number], Geodetic][] = [
  ["Berlin", at(52.5163, 13.3777, 34), 32633, [389917.8326, 5819701.9191], at(52.51324458, 13.379467553, 59.0102)],
  ["Sydney", at(-33.8568, 151.2153, 5), 32756, [334900.5697, 6252288.7529], at(-33.859865256, 151.216596783, 30.0102)],
  ["a fjord", at(61.2, 5.99, 100), 32632, [338266.08, 6788788.6581], at(61.196948864, 5.992231595, 125.0102)],
];

function at(latitude: number, longitude: number, altitude: number): Geodetic {
  return { latitude, longitude, altitude };
}

describe("places on the earth", () => {
  test.each(KNOWN)("%s lies where PROJ says, to a millimetre", (_, origin, epsg, [easting, northing], moved) => {
    const utm = toUtm(origin, epsg)!;
    expect(utm.easting).toBeCloseTo(easting, 3);
    expect(utm.northing).toBeCloseTo(northing, 3);
    expect(utm).toMatchObject({ zone: epsg % 100, north: epsg < 32700 });
    const found = toWgs84([120, -340, 25], origin);
    expect(found.latitude).toBeCloseTo(moved.latitude, 8);
    expect(found.longitude).toBeCloseTo(moved.longitude, 8);
    expect(found.altitude).toBeCloseTo(moved.altitude, 3);
  });

  test("a code that is no UTM zone has no grid", () => {
    for (const epsg of [25833, 32661, 32600, 4326]) expect(toUtm(at(50, 10, 0), epsg)).toBeNull();
  });

  test("a table has them only where the scene knows", () => {
    const origin = KNOWN[0]![1];
    expect(toCsv([[0, 0, 0]], "m")).not.toContain("latitude");
    expect(toCsv([[0, 0, 0]], "m", (place) => toWgs84(place, origin))).toContain("1,0,0,0,52.51630000,13.37770000,34");
  });

  test("axes that do not point east, north and up are no georeference", () => {
    const read = (georeference: object): unknown =>
      parseManifest({ version: 2, splat_url: "s.splat", metadata: { georeference } }, new URL("https://h.org/m.json")).metadata.georeference;
    const given = { latitude: 52, longitude: 13, altitude: 30, epsg: 32633, axes: "ENU" };
    expect(read(given)).toEqual({ latitude: 52, longitude: 13, altitude: 30, epsg: 32633 });
    expect(read({ ...given, axes: "XYZ" })).toBeNull();
    expect(() => read({ ...given, latitude: 91 })).toThrow("georeference.latitude");
  });
});

test.each([
  [1, 1], [1.9, 1], [2, 2], [4.99, 2], [5, 5], [99, 50], [0.3, 0.2], [0.07, 0.05],
])("a bar for at most %f is %f long", (longest, length) => {
  expect(roundLength(longest)).toBeCloseTo(length, 9);
});

test("two places are as far apart as a tape between them is long", () => {
  const here = { latitude: 52.5, longitude: 13.4, altitude: 40 };
  expect(metresApart(here, { ...here, altitude: 43 })).toBeCloseTo(3, 6);
  const there = toWgs84([30, 40, 0], here);
  expect(metresApart(here, there)).toBeCloseTo(50, 3);
});
