import type { Vec3 } from "./math";

/** What a gamepad asks for, as keys do: see Intent. */
export interface Sticks {
  readonly move: Vec3;
  readonly turn: readonly [number, number];
  readonly fast: boolean;
}

/** A stick that nobody touches seldom rests at exactly zero. */
const DEAD = 0.15;
const STILL: Sticks = { move: [0, 0, 0], turn: [0, 0], fast: false };

/** The gamepads there are; none in a frame, or on a page without https, where the browser forbids to ask. */
export function gamepads(): readonly (Gamepad | null)[] {
  try {
    return "getGamepads" in navigator ? navigator.getGamepads() : [];
  } catch {
    return [];
  }
}

/**
 * Left stick: move; right stick: look; triggers: down and up; either bumper: faster. Places are those
 * of the standard gamepad (w3.org/TR/gamepad, figure 1); of another layout nobody knows what is where.
 */
export function sticks(pads: readonly (Gamepad | null)[]): Sticks {
  const pad = pads.find((one) => one?.connected && one.mapping === "standard");
  if (!pad) return STILL;
  const axis = (number: number): number => beyondRest(pad.axes[number] ?? 0);
  const pressed = (number: number): number => pad.buttons[number]?.value ?? 0;
  return {
    move: [axis(0), 0 - axis(1), beyondRest(pressed(7) - pressed(6))],
    turn: [axis(2), 0 - axis(3)],
    fast: pressed(4) > 0.5 || pressed(5) > 0.5,
  };
}

/** From −1 to 1, and 0 around the middle without a jump at its edge. */
export function beyondRest(value: number): number {
  const beyond = Math.max(0, Math.min(Math.abs(value), 1) - DEAD) / (1 - DEAD);
  return value < 0 ? 0 - beyond : beyond;
}
