import type { Vec2 } from "./math";

/** A grid of what a walker meets, as a manifest holds it: `tops` are the cells' bytes, zlib, base64. */
export interface WallGrid {
  readonly origin: Vec2;
  readonly cell: number;
  readonly columns: number;
  readonly rows: number;
  /** World units of a level, in which the tops count. */
  readonly level: number;
  readonly tops: string;
}

/** The top of a cell in which nobody can stand. */
const BLOCKED = 255;
/** How much higher than before a foot can be set, world units (metres where the scene has them). */
const STEP = 0.45;

/** Where a walker can set a foot. Outside the grid nothing is in the way. */
export class Walls {
  constructor(
    private readonly grid: WallGrid,
    private readonly tops: Uint8Array,
  ) {}

  /** How far above the ground one stands at a place, world units; Infinity where nobody can. */
  above(x: number, y: number): number {
    const { origin, cell, columns, rows, level } = this.grid;
    const [column, row] = [Math.floor((x - origin[0]) / cell), Math.floor((y - origin[1]) / cell)];
    if (column < 0 || row < 0 || column >= columns || row >= rows) return 0;
    const top = this.tops[row * columns + column]!;
    return top === BLOCKED ? Infinity : top * level;
  }

  /** The nearest place of those `within`, by whole cells, at which one can stand: in a house that is before its wall. */
  standing(from: Vec2, within: (place: Vec2) => boolean): Vec2 {
    const { cell, columns, rows } = this.grid;
    const far = ([x, y]: Vec2): number => Math.hypot(x - from[0], y - from[1]);
    for (let ring = 0; ring <= Math.max(columns, rows); ring++) {
      const free = square(from, ring, cell).filter((place) => within(place) && this.above(...place) !== Infinity);
      if (free.length > 0) return free.reduce((best, place) => (far(place) < far(best) ? place : best));
    }
    return from;
  }

  /** How far one comes from a place towards another: along a wall that is met at an angle, and up steps. */
  reach(from: Vec2, to: Vec2): Vec2 {
    const strides = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / (this.grid.cell / 2)));
    const stride: Vec2 = [(to[0] - from[0]) / strides, (to[1] - from[1]) / strides];
    let place = from;
    for (let i = 0; i < strides; i++) {
      const ways: Vec2[] = [
        [place[0] + stride[0], place[1] + stride[1]],
        [place[0] + stride[0], place[1]],
        [place[0], place[1] + stride[1]],
      ];
      const next = ways.find((way) => this.leads(place, way));
      if (!next) return place;
      place = next;
    }
    return place;
  }

  /** Whoever stands where nobody can, after a jump there, may leave in any direction. */
  private leads(from: Vec2, to: Vec2): boolean {
    const before = this.above(...from);
    return before === Infinity || this.above(...to) - before <= STEP;
  }
}

/** The places on the edge of a square around a place, a cell apart; `ring` cells from its middle to its sides. */
function square([x, y]: Vec2, ring: number, cell: number): Vec2[] {
  const along = Array.from({ length: 2 * ring + 1 }, (_, i) => (i - ring) * cell);
  const out = ring * cell;
  return along.flatMap((at): Vec2[] => [[x + at, y - out], [x + at, y + out], [x - out, y + at], [x + out, y + at]]);
}

/** Unpacks a grid. What is damaged, or longer than it says, is no wall: one walks as without it. */
export async function readWalls(grid: WallGrid): Promise<Walls | null> {
  const tops = new Uint8Array(grid.columns * grid.rows);
  try {
    const packed = Uint8Array.from(atob(grid.tops), (letter) => letter.charCodeAt(0));
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    let length = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      tops.set(part.value, length); // throws where it would be longer than the grid
      length += part.value.length;
    }
    return length === tops.length ? new Walls(grid, tops) : null;
  } catch {
    return null;
  }
}
