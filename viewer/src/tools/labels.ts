import type { Vec2 } from "../math";

/** From a pin's point to its label, the width of its head and of a character of a wide font, and a line's height: CSS pixels. */
export const BESIDE = 15;
const HEAD = 20;
const CHARACTER = 9;
const LINE = 18;
/** Characters of a note that are shown at most, and that are worth showing of a longer one; the panel has all of it. */
const MOST = 32;
const LEAST = 4;

/** What is shown of a note, and on which side of its pin. */
export interface Label {
  readonly text: string;
  readonly turned: boolean;
}

/** A part of a line that is taken. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly y: number;
}

const NONE: Label = { text: "", turned: false };

/** The notes' beginnings beside their pins, in their order: each has the room that pins, the labels before it and the screen's edges leave. */
export function labels(notes: readonly string[], points: readonly (Vec2 | null)[], width: number): readonly Label[] {
  const taken: Span[] = [];
  return notes.map((note, i) => {
    const point = points[i];
    if (!point || point[0] < -HEAD / 2 || point[0] > width + HEAD / 2) return NONE;
    const label = fit(note, point, [...heads(points, point), ...taken], width);
    if (label.text) taken.push(span(label, point));
    return label;
  });
}

/** The heads beside a pin; one that is over its own would leave it no room at all. */
const heads = (points: readonly (Vec2 | null)[], [x]: Vec2): Span[] =>
  points.flatMap((other) => (other && Math.abs(other[0] - x) > HEAD ? [{ from: other[0] - HEAD / 2, to: other[0] + HEAD / 2, y: other[1] }] : []));

function span({ text, turned }: Label, [x, y]: Vec2): Span {
  const far = BESIDE + CHARACTER * [...text].length;
  return turned ? { from: x - far, to: x - BESIDE, y } : { from: x + BESIDE, to: x + far, y };
}

/** Right of the pin where all of the note fits, else where there is more room for it. */
function fit(note: string, [x, y]: Vec2, taken: readonly Span[], width: number): Label {
  const line = taken.filter((other) => Math.abs(other.y - y) < LINE);
  const start = Math.max(0, ...line.filter(({ from }) => from < x).map(({ to }) => Math.min(to, x)));
  const end = Math.min(width, ...line.filter(({ to }) => to > x).map(({ from }) => Math.max(from, x)));
  const [left, right] = [room(x - start), room(end - x)];
  const characters = [...note];
  const turned = right < Math.min(characters.length, MOST) && left > right;
  const most = turned ? left : right;
  if (characters.length <= most) return { text: note, turned };
  return most < LEAST ? NONE : { text: `${characters.slice(0, most - 1).join("")}…`, turned };
}

const room = (pixels: number): number => Math.min(Math.floor((pixels - BESIDE) / CHARACTER), MOST);
