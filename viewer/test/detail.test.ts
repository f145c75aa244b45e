import { afterEach, describe, expect, test, vi } from "vitest";
import { gaussiansFor, MAX_GAUSSIANS } from "../src/limits";
import { Detail } from "../src/scene/detail";
import { Pacing } from "../src/scene/pacing";

const SUMS = [50_000, 200_000, 600_000, 1_000_000];

const after = (ms: number, gaussians: number): number => {
  const detail = new Detail();
  for (let i = 0; i < 20; i++) detail.measured(ms, gaussians);
  return detail.levels(SUMS);
};

describe("the levels drawn in motion", () => {
  test("are all of them before anything is known, and on a graphics card", () => {
    expect(new Detail().levels(SUMS)).toBe(4);
    expect(after(18, 1_000_000)).toBe(4);
    expect(after(22, 50_000)).toBe(4); // a frame's end is noticed a turn of the page late
  });

  test("are as many as a slow renderer can bear", () => {
    expect(after(300, 1_000_000)).toBe(2);
    expect(after(900, 1_000_000)).toBe(1);
  });

  test("are never none", () => {
    expect(after(10_000, 50_000)).toBe(1);
  });

  test("are soon as many again when other programs leave the renderer its time", () => {
    const detail = new Detail();
    detail.measured(3000, 50_000);
    detail.measured(100, 50_000);
    expect(detail.passing(SUMS)).toBe(2);
  });
});

describe("a picture while more levels are on their way", () => {
  test("has what is drawn in less than a second", () => {
    const detail = new Detail();
    detail.measured(125, 50_000); // two microseconds each
    expect(detail.passing(SUMS)).toBe(2);
    detail.measured(65, 50_000);
    expect(detail.passing(SUMS)).toBe(4);
  });
});

describe("a stroke", () => {
  test("is small while nothing is known, for it may take long", () => {
    const detail = new Detail();
    expect(detail.known).toBe(false);
    expect(detail.stroke).toBeLessThan(50_000);
  });

  test("takes less than a tenth of a second, or is all of a quick renderer's picture", () => {
    const detail = new Detail();
    detail.measured(125, 100_000); // one microsecond each
    expect(detail.stroke / 1e3).toBe(80);
    detail.measured(16, 1_000_000);
    expect(detail.stroke).toBe(Infinity);
  });

  test("of a few Gaussians, which only compile the shaders, tells nothing", () => {
    const detail = new Detail();
    detail.measured(400, 128);
    expect(detail.known).toBe(false);
  });
});

describe("the pace", () => {
  afterEach(() => void vi.useRealTimers());

  /** A graphics card that finishes what `done` says. */
  function card(): { pacing: Pacing; done: (strokes: number) => void; wait: (ms: number) => void } {
    vi.useFakeTimers({ toFake: ["performance"] });
    let given = 0;
    let finished = 0;
    const gl = {
      SIGNALED: 1,
      fenceSync: () => given++,
      getSyncParameter: (fence: number) => (fence < finished ? 1 : 0),
      deleteSync: () => {},
      flush: () => {},
      isContextLost: () => false,
    };
    return {
      pacing: new Pacing(gl as unknown as WebGL2RenderingContext),
      done: (strokes) => (finished += strokes),
      wait: (ms) => vi.advanceTimersByTime(ms),
    };
  }

  test("lets a picture go on with two strokes under way, and another begin with none", () => {
    const { pacing, done } = card();
    pacing.begin();
    expect([pacing.idle, pacing.ready]).toEqual([true, true]);
    pacing.drawn(1000);
    expect([pacing.idle, pacing.ready]).toEqual([false, true]);
    pacing.drawn(1000);
    expect([pacing.idle, pacing.ready]).toEqual([false, false]);
    done(2);
    expect(pacing.look()).toBe(true);
    expect([pacing.idle, pacing.ready]).toEqual([true, true]);
    expect(pacing.look()).toBe(false);
  });

  test("is measured from the end of the first stroke on, which may have waited for shaders", () => {
    const { pacing, done, wait } = card();
    wait(50);
    pacing.begin();
    for (const ms of [900, 80, 100]) {
      pacing.drawn(1000);
      wait(ms);
      done(1);
      pacing.look();
    }
    expect([pacing.took, pacing.finished]).toEqual([180, 2000]);
  });
});

test.each([
  [{ memoryGb: 8, phone: false }, MAX_GAUSSIANS],
  [{ memoryGb: null, phone: false }, MAX_GAUSSIANS],
  [{ memoryGb: 2, phone: false }, 1_500_000],
  [{ memoryGb: null, phone: true }, 800_000],
  [{ memoryGb: 2, phone: true }, 300_000],
])("a device %j is asked to draw at most %i Gaussians", (device, most) => {
  expect(gaussiansFor(device)).toBe(most);
});
