import { clamp, turn } from "../math";
import { apart, NADIR, type Pose } from "../pose";

/** Share of the time in which the camera gets under way, and in which it comes to rest. */
const EASE = 0.15;
/** No leg is given less of the time than this part of an even one: a stop that was taken twice is a pause. */
const LEAST = 0.2;

/** Position, heading and pitch. Interpolated one by one they never roll the camera, as a slerp of the whole would. */
type Key = readonly [number, number, number, number, number];

/**
 * A smooth way of the camera through stops: a Catmull-Rom spline whose knots are as far apart as the stops look on
 * the screen, so that its speed is about even (Yuksel et al. 2011, chordal knots).
 */
export class Path {
  private readonly keys: readonly Key[];
  /** When each stop is reached, from 0 to 1. */
  private readonly knots: readonly number[];
  private readonly slopes: readonly (readonly number[])[];

  /** At least two stops; `unit` is the scene's size. */
  constructor(
    private readonly stops: readonly Pose[],
    unit: number,
  ) {
    this.keys = unwound(stops);
    this.knots = knots(stops, unit);
    this.slopes = this.keys.map((_, i) => this.slope(i));
  }

  /** The pose at a share of the time in [0, 1]; slow at first and at last. */
  at(share: number): Pose {
    const time = eased(share);
    const next = this.knots.findIndex((knot) => knot > time);
    const [x, y, z, heading, pitch] = this.between(next > 0 ? next - 1 : this.keys.length - 2, time);
    return { position: [x, y, z], heading, pitch: clamp(pitch, NADIR, -NADIR) };
  }

  /** The stop to show at a share of the time, for people who do not bear motion: one still picture after the other. */
  still(share: number): Pose {
    return this.stops[Math.min(this.stops.length - 1, Math.floor(share * this.stops.length))]!;
  }

  /** Cubic Hermite between two stops. */
  private between(leg: number, time: number): Key {
    const [from, to] = [this.knots[leg]!, this.knots[leg + 1]!];
    const t = (time - from) / (to - from);
    const [a, b] = [(1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2 * (to - from)];
    const [c, d] = [t * t * (3 - 2 * t), t * t * (t - 1) * (to - from)];
    const [p, q, m, n] = [this.keys[leg]!, this.keys[leg + 1]!, this.slopes[leg]!, this.slopes[leg + 1]!];
    return p.map((value, i) => a * value + b * m[i]! + c * q[i]! + d * n[i]!) as unknown as Key;
  }

  /** How fast each value changes at a stop: of the legs' own speeds the shorter leg's counts for more. */
  private slope(i: number): readonly number[] {
    const before = i > 0 ? this.speed(i - 1) : this.speed(0);
    const after = i < this.keys.length - 1 ? this.speed(i) : before;
    const lengths = [this.length(i - 1), this.length(i)] as const;
    return before.map((value, axis) => (value * lengths[1] + after[axis]! * lengths[0]) / (lengths[0] + lengths[1]));
  }

  private speed(leg: number): readonly number[] {
    return this.keys[leg]!.map((value, axis) => (this.keys[leg + 1]![axis]! - value) / this.length(leg));
  }

  private length(leg: number): number {
    const inside = clamp(leg, 0, this.keys.length - 2);
    return this.knots[inside + 1]! - this.knots[inside]!;
  }
}

/** Headings go on from one stop to the next by the shorter way, also through north. */
function unwound(stops: readonly Pose[]): readonly Key[] {
  let heading = stops[0]!.heading;
  return stops.map((stop) => {
    heading += turn(heading, stop.heading);
    const [x, y, z] = stop.position;
    return [x, y, z, heading, stop.pitch];
  });
}

function knots(stops: readonly Pose[], unit: number): readonly number[] {
  const legs = stops.slice(1).map((stop, i) => apart(stops[i]!, stop, unit));
  const even = legs.reduce((sum, leg) => sum + leg, 0) / legs.length || 1;
  const lengths = legs.map((leg) => Math.max(leg, LEAST * even));
  const whole = lengths.reduce((sum, leg) => sum + leg, 0);
  let sum = 0;
  return [0, ...lengths.map((leg) => (sum += leg) / whole)];
}

/** Gets under way evenly, goes on at one speed, and comes to rest; over t in [0, 1]. */
function eased(t: number): number {
  const [from, top] = [clamp(t, 0, 1), 1 / (1 - EASE)];
  if (from < EASE) return (top * from ** 2) / (2 * EASE);
  if (from > 1 - EASE) return 1 - (top * (1 - from) ** 2) / (2 * EASE);
  return top * (from - EASE / 2);
}
