import { gamepads, sticks } from "./gamepad";
import { clamp, radians, turn, type Vec3 } from "./math";
import { type Intent, PACES } from "./modes/mode";

const WHEEL = 0.0012;
const WHEEL_LINES = 24;
/** A press that is shorter and moves less is a tap, not a drag. */
const TAP_MS = 350;
const TAP_PIXELS = 8;
/** Two fingers that pinch also turn about each other, by less than this. */
const TWIST = radians(12);
/** What keys do: index into right, ahead, up and the sign. Codes are places on the keyboard, so W A S D stay a cross on AZERTY. */
const MOVES: Readonly<Record<string, readonly [number, number]>> = {
  KeyD: [0, 1], KeyA: [0, -1], KeyW: [1, 1], KeyS: [1, -1], KeyQ: [2, 1], KeyE: [2, -1],
};
const TURNS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 1], ArrowDown: [1, -1],
};

/** CSS pixels, y down. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** Gathers mouse, touch, keyboard and gamepad between two frames. */
export class Input {
  /** Set by the touch pad: right and ahead, each in [−1, 1]. */
  pad: readonly [number, number] = [0, 0];
  private drag: [number, number] = [0, 0];
  private pan: [number, number] = [0, 0];
  private zoom = 0;
  private twist = 0;
  /** How far two fingers have turned about each other since they came. */
  private turned = 0;
  private pace = PACES.indexOf(1);
  private readonly keys = new Set<string>();
  private readonly pointers = new Map<number, { x: number; y: number; panning: boolean }>();

  /** A place that was pressed and let go without a drag, CSS pixels; the second in a row is a double one. */
  onTap: (x: number, y: number, double: boolean) => void = () => {};
  /** Enter, while the scene has the focus. */
  onEnter: () => void = () => {};
  private tap: { x: number; y: number; at: number; double: boolean } | null = null;

  constructor(private readonly surface: HTMLElement) {
    surface.addEventListener("pointerdown", (event) => this.press(event));
    surface.addEventListener("pointermove", (event) => this.slide(event));
    surface.addEventListener("pointerup", (event) => this.lift(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      surface.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
    surface.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
    addEventListener("keydown", (event) => this.key(event));
    addEventListener("keyup", (event) => this.release(event));
    addEventListener("blur", () => this.keys.clear());
  }

  /** What was asked for since the last call. */
  take(): Intent {
    const { drag, pan, zoom, twist } = this;
    [this.drag, this.pan, this.zoom, this.twist] = [[0, 0], [0, 0], 0, 0];
    const [x, y, z] = this.axes(MOVES, 3);
    const [clockwise, upwards] = this.axes(TURNS, 2);
    const pad = sticks(gamepads());
    const move: Vec3 = [x! + this.pad[0] + pad.move[0], y! + this.pad[1] + pad.move[1], z! + pad.move[2]];
    const turn = [clockwise! + pad.turn[0], upwards! + pad.turn[1]] as const;
    return { drag, pan, zoom, twist, move, turn, fast: this.keys.has("Shift") || pad.fast, pace: PACES[this.pace]! };
  }

  /** Makes keys, pad and sticks move faster from now on, or slower; returns how much faster than usual they are. */
  quicken(steps: 1 | -1): number {
    this.pace = clamp(this.pace + steps, 0, PACES.length - 1);
    return PACES[this.pace]!;
  }

  private axes(map: typeof MOVES, size: number): number[] {
    const sum = new Array<number>(size).fill(0);
    for (const [code, [axis, sign]] of Object.entries(map)) if (this.keys.has(code)) sum[axis]! += sign;
    return sum;
  }

  private press(event: PointerEvent): void {
    this.surface.setPointerCapture(event.pointerId);
    this.surface.focus({ preventScroll: true });
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY, panning: event.button !== 0 || event.shiftKey });
    this.turned = 0;
    this.begin(event);
  }

  private lift({ clientX: x, clientY: y, timeStamp: at }: PointerEvent): void {
    const { tap } = this;
    if (tap && at - tap.at < TAP_MS && Math.hypot(x - tap.x, y - tap.y) < TAP_PIXELS) this.onTap(x, y, tap.double);
    else this.tap = null;
  }

  /** One finger or the main button begins what may become a tap. */
  private begin({ clientX: x, clientY: y, timeStamp: at, button }: PointerEvent): void {
    const before = this.tap;
    const again = before !== null && !before.double && at - before.at < 2 * TAP_MS && Math.hypot(x - before.x, y - before.y) < 2 * TAP_PIXELS;
    this.tap = button === 0 && this.pointers.size === 1 ? { x, y, at, double: again } : null;
  }

  private slide(event: PointerEvent): void {
    const pointer = this.pointers.get(event.pointerId);
    if (!pointer) return;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const [dx, dy] = [event.clientX - pointer.x, event.clientY - pointer.y];
    const sink = other || pointer.panning ? this.pan : this.drag;
    const share = other ? 0.5 : 1; // each of two fingers carries half of the shift
    sink[0] += dx * share;
    sink[1] += dy * share;
    if (other) {
      this.zoom += pinch(pointer, other, event);
      this.bend(turn(direction(other, pointer), direction(other, event)));
    }
    [pointer.x, pointer.y] = [event.clientX, event.clientY];
  }

  private bend(by: number): void {
    this.turned += by;
    if (Math.abs(this.turned) > TWIST) this.twist += by;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * WHEEL_LINES;
    this.zoom -= Math.max(-400, Math.min(400, pixels)) * WHEEL;
  }

  private key(event: KeyboardEvent): void {
    this.shift(event);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (event.key === "Enter" && event.target === this.surface) this.onEnter();
    if (event.code in TURNS && event.target !== this.surface && event.target !== document.body) return;
    if (!(event.code in MOVES) && !(event.code in TURNS)) return;
    this.keys.add(event.code);
    if (event.code in TURNS) event.preventDefault();
  }

  private release(event: KeyboardEvent): void {
    this.shift(event);
    this.keys.delete(event.code);
  }

  private shift(event: KeyboardEvent): void {
    if (event.shiftKey) this.keys.add("Shift");
    else this.keys.delete("Shift");
  }
}

/** Whether a key is meant for a field of text, or for a list of choices; a slider takes no letters. */
export const isTyping = ({ target }: Event): boolean =>
  (target instanceof HTMLInputElement && target.type !== "range") || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;

/** From one point to another, radians, clockwise on the screen. */
const direction = (from: Point, to: Point): number => Math.atan2(to.y - from.y, to.x - from.x);

function pinch(from: Point, other: Point, to: Point): number {
  const before = Math.hypot(from.x - other.x, from.y - other.y);
  const after = Math.hypot(to.x - other.x, to.y - other.y);
  return before > 0 && after > 0 ? Math.log(after / before) : 0;
}
