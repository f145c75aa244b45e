import { beyondRest } from "./gamepad";
import type { Vec3 } from "./math";

/** What somebody who wears a headset asks for with the hands. */
export interface Hands {
  /** Each in [−1, 1]: right, ahead, up. */
  readonly move: Vec3;
  /** In [−1, 1], clockwise. */
  readonly turn: number;
  readonly fast: boolean;
  /** Go where the person looks. */
  readonly onward: boolean;
}

/** A controller, a hand, or a finger on a phone's screen: what is asked of the engine's XrInputSource. */
export interface Source {
  readonly handedness: string;
  readonly gamepad: Pick<Gamepad, "axes" | "mapping"> | null;
  readonly selecting: boolean;
  readonly squeezing: boolean;
}

type Stick = readonly [right: number, ahead: number];

/**
 * Left stick: move; right stick: turn, sink and rise; where there is one alone, it moves ahead and turns. A trigger, a
 * pinch or a finger that is held goes where one looks; a grip makes faster.
 */
export function hands(sources: readonly Source[]): Hands {
  const held = sources.flatMap((source) => {
    const stick = stickOf(source);
    return stick ? [{ hand: source.handedness, stick }] : [];
  });
  const left = held.find(({ hand }) => hand !== "right") ?? held[0];
  const right = held.find((other) => other !== left);
  const [aside, ahead] = left?.stick ?? [0, 0];
  const [turn, up] = right?.stick ?? [aside, 0];
  return {
    move: [right ? aside : 0, ahead, up],
    turn,
    fast: sources.some(({ squeezing }) => squeezing),
    onward: sources.some(({ selecting }) => selecting),
  };
}

/** The thumbstick, or the touchpad of a controller without (w3.org/TR/webxr-gamepads-module-1, “xr-standard”). */
function stickOf({ gamepad }: Source): Stick | null {
  if (gamepad?.mapping !== "xr-standard" || gamepad.axes.length < 2) return null;
  const first = gamepad.axes.length >= 4 ? 2 : 0;
  return [beyondRest(gamepad.axes[first]!), 0 - beyondRest(gamepad.axes[first + 1]!)];
}
