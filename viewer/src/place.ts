import { MAX_COORDINATE } from "./limits";
import { clamp, radians } from "./math";
import { MODES, type ModeName } from "./modes/mode";
import { NADIR, type Pose } from "./pose";

/** Where somebody stands and how they move: what a link to a scene can hold besides the scene. */
export interface Place {
  readonly mode: ModeName;
  readonly pose: Pose;
}

/** As the end of an address: mode, position in world units, heading and pitch in degrees. */
export function toHash({ mode, pose }: Place): string {
  const position = pose.position.map((value) => Number(value.toPrecision(7)));
  const angles = [pose.heading, pose.pitch].map((value) => Number(((value * 180) / Math.PI).toFixed(2)));
  return `#${mode}@${[...position, ...angles].join(",")}`;
}

/** Reads the end of an address; null where it is anything else than what `toHash` writes. */
export function fromHash(hash: string): Place | null {
  const [, name, list] = /^#([a-z]{1,10})@([-+.,e\d]{1,120})$/.exec(hash) ?? [];
  const mode = MODES.find((each) => each === name);
  const numbers = (list ?? "").split(",").map((text) => (text === "" ? NaN : Number(text)));
  const sensible = numbers.length === 5 && numbers.every((value) => Number.isFinite(value) && Math.abs(value) <= MAX_COORDINATE);
  if (!mode || !sensible) return null;
  const [x, y, z, heading, pitch] = numbers as [number, number, number, number, number];
  return { mode, pose: { position: [x, y, z], heading: radians(heading % 360), pitch: clamp(radians(pitch), NADIR, -NADIR) } };
}
