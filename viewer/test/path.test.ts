import { describe, expect, test } from "vitest";
import { distance, type Vec3 } from "../src/math";
import { NADIR, type Pose } from "../src/pose";
import { filmSize } from "../src/tools/film";
import { Pace } from "../src/tools/pace";
import { Path } from "../src/tools/path";

const pose = (position: Vec3, heading = 0, pitch = 0): Pose => ({ position, heading, pitch });
const corner = [pose([0, 0, 2]), pose([10, 0, 2]), pose([10, 10, 2])];
const times = Array.from({ length: 1001 }, (_, i) => i / 1000);

describe("a path", () => {
  test("begins at the first stop, ends at the last and comes through those between", () => {
    const path = new Path(corner, 10);
    expect(path.at(0)).toEqual(corner[0]);
    expect(distance(path.at(1).position, corner[2]!.position)).toBeCloseTo(0);
    const nearest = Math.min(...times.map((t) => distance(path.at(t).position, corner[1]!.position)));
    expect(nearest).toBeLessThan(0.05);
  });

  test("starts and ends at rest, and never jumps", () => {
    const path = new Path(corner, 10);
    const steps = times.slice(1).map((t, i) => distance(path.at(times[i]!).position, path.at(t).position));
    expect(steps[0]).toBeLessThan(0.1 * steps[500]!);
    expect(steps.at(-1)).toBeLessThan(0.1 * steps[500]!);
    expect(Math.max(...steps)).toBeLessThan(2 * (20 / 1000));
    const changes = steps.slice(1).map((step, i) => Math.abs(step - steps[i]!));
    expect(Math.max(...changes)).toBeLessThan(0.001);
  });

  test("turns the shorter way, through north too", () => {
    const path = new Path([pose([0, 0, 0], 3.0), pose([0, 0, 0], -3.0), pose([0, 0, 0], -2.8)], 10);
    for (const t of times) expect(path.at(t).heading).toBeGreaterThan(2.95);
    expect(path.at(1).heading).toBeCloseTo(2 * Math.PI - 2.8);
  });

  test("never looks further down than straight down", () => {
    const path = new Path([pose([0, 0, 9], 0, -0.2), pose([1, 0, 9], 0, NADIR), pose([2, 0, 9], 0, NADIR + 0.05), pose([3, 0, 9])], 10);
    for (const t of times) expect(path.at(t).pitch).toBeGreaterThanOrEqual(NADIR);
  });

  test("pauses where a stop was taken twice, also when there are no others", () => {
    const path = new Path([corner[0]!, corner[1]!, corner[1]!, corner[2]!], 10);
    expect(times.filter((t) => distance(path.at(t).position, corner[1]!.position) < 0.7).length).toBeGreaterThan(80);
    expect(new Path([corner[0]!, corner[0]!], 10).at(0.5)).toEqual(corner[0]);
  });

  test("shows one stop after the other to people who do not bear motion", () => {
    const path = new Path(corner, 10);
    expect([0, 0.3, 0.4, 0.7, 1].map((t) => path.still(t))).toEqual([0, 0, 1, 2, 2].map((i) => corner[i]));
  });
});

describe("a flight of ten seconds", () => {
  test("begins with its first turn of the page, and is as long as it takes", () => {
    const pace = new Pace(10);
    const shares = Array.from({ length: 25 }, (_, i) => pace.share(70_000 + i * 500));
    expect([0, 1, 10, 20, 24].map((turn) => shares[turn])).toEqual([0, 0.05, 0.5, 1, 1]);
  });

  test("skips nothing while the page takes no turn", () => {
    const pace = new Pace(10);
    const flown = [0, 100, 19_000, 19_100].map((now) => pace.share(now) * 10_000);
    expect(flown.map(Math.round)).toEqual([0, 100, 600, 700]);
  });
});

test.each([
  [[960, 600], [960, 600]],
  [[961, 599], [962, 600]],
  [[3840, 2160], [1920, 1080]],
  [[780, 1688], [780, 1688]],
] as const)("a film of %j pixels has %j", ([width, height], size) => expect(filmSize(width, height)).toEqual(size));
