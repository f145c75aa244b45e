import { describe, expect, test } from "vitest";
import { dot, sub, type Vec3 } from "../src/math";
import { forward, lookAt } from "../src/pose";
import { project, unproject } from "../src/screen";
import { figures, toCsv } from "../src/tools/measure";

describe("measuring", () => {
  test("needs two places", () => {
    expect(figures([])).toBeNull();
    expect(figures([[1, 2, 3]])).toBeNull();
  });

  test("adds up along the line, and tells height and slope from end to end", () => {
    const found = figures([[0, 0, 0], [3, 0, 4], [6, 0, 0], [6, 6, 6]])!;
    expect(found.distance).toBeCloseTo(5 + 5 + Math.hypot(6, 6));
    expect(found.level).toBeCloseTo(3 + 3 + 6);
    expect(found.height).toBe(6);
    expect(found.slope).toBeCloseTo(Math.atan2(6, Math.hypot(6, 6)));
  });

  test("a way down is negative, and one place twice has no slope that is no number", () => {
    expect(figures([[0, 0, 2], [2, 0, 0]])!.slope).toBeCloseTo(-Math.PI / 4);
    expect(figures([[1, 1, 1], [1, 1, 1]])).toMatchObject({ distance: 0, height: 0, slope: 0 });
  });

  test.each<[string, Vec3[], number, number]>([
    ["a square", [[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0]], 16, 16],
    ["a roof of 60°", [[0, 0, 0], [4, 0, 0], [4, 1, Math.sqrt(3)], [0, 1, Math.sqrt(3)]], 8, 4],
    ["a wall", [[0, 0, 0], [4, 0, 0], [4, 0, 3], [0, 0, 3]], 12, 0],
    ["an L, clockwise", [[0, 0, 0], [0, 2, 0], [1, 2, 0], [1, 1, 0], [2, 1, 0], [2, 0, 0]], 3, 3],
    ["a square far from the origin", [[4e6, 5e6, 0], [4e6 + 4, 5e6, 0], [4e6 + 4, 5e6 + 4, 0], [4e6, 5e6 + 4, 0]], 16, 16],
  ])("%s has its area", (_, places, area, level) => {
    const found = figures(places)!;
    expect(found.area).toBeCloseTo(area);
    expect(found.levelArea).toBeCloseTo(level);
  });

  test("a line of two places encloses nothing", () => {
    expect(figures([[0, 0, 0], [1, 0, 0]])).toMatchObject({ area: null, levelArea: null });
  });

  test("a spreadsheet gets places, figures and the unit", () => {
    const lines = toCsv([[0, 0, 0], [3, 4, 0], [0, 4, 0]], "units").split("\r\n");
    expect(lines[0]).toBe("point,x (units),y (units),z (units)");
    expect(lines).toContain("2,3,4,0");
    expect(lines).toContain("distance,8,units");
    expect(lines).toContain("area,6,units²");
  });
});

describe("a place on the screen", () => {
  const screen = { vertical: Math.PI / 2, width: 800, height: 600 };
  const pose = lookAt([1, 2, 3], [5, 9, 1]);

  test("what the camera looks at is in the middle", () => {
    const [x, y] = project([5, 9, 1], pose, screen)!;
    expect([x, y]).toEqual([expect.closeTo(400), expect.closeTo(300)]);
  });

  test("at 90° the picture's edge is as far aside as away", () => {
    const [, y] = project([0, 10, 10], lookAt([0, 0, 0], [0, 1, 0]), screen)!;
    expect(y).toBeCloseTo(0);
  });

  test("comes back from the screen", () => {
    const place: Vec3 = [7, 5, 2.5];
    const depth = dot(sub(place, pose.position), forward(pose));
    unproject(project(place, pose, screen)!, depth, pose, screen).forEach((value, i) => expect(value).toBeCloseTo(place[i]!));
  });

  test("what is behind is nowhere", () => {
    const [x, y, z] = forward(pose);
    expect(project([1 - x, 2 - y, 3 - z], pose, screen)).toBeNull();
  });
});
