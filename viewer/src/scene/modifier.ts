import type { GSplatComponent } from "playcanvas";
import { MAX_COORDINATE } from "../limits";
import type { Vec3 } from "../math";
import { type Box, direction, type Limits } from "../tools/clip";

/**
 * What is done to every Gaussian when the engine gathers them for drawing: all are resized while some are missing, and
 * those whose centre is outside the box become so faint that the engine leaves them out, of the picture and of picking.
 */
const GLSL = /* glsl */ `
  uniform float uGrow;
  uniform vec3 uBoxLow;
  uniform vec3 uBoxHigh;
  uniform vec2 uBoxTurn;
  uniform vec2 uBoxAbout;
  void modifySplatCenter(inout vec3 center) {}
  void modifySplatRotationScale(vec3 original, vec3 modified, inout vec4 rotation, inout vec3 scale) { scale *= uGrow; }
  void modifySplatColor(vec3 center, inout vec4 color) {
    vec2 arm = center.xy - uBoxAbout;
    vec3 place = vec3(uBoxAbout + vec2(dot(arm, uBoxTurn), dot(arm, vec2(-uBoxTurn.y, uBoxTurn.x))), center.z);
    if (any(lessThan(place, uBoxLow)) || any(greaterThan(place, uBoxHigh))) color.a = 0.0;
  }
`;
/** Beyond every Gaussian. */
const NO_LIMIT = 10 * MAX_COORDINATE;

/** A box, and a place on the vertical that it is turned about. */
export interface Clip {
  readonly box: Box;
  readonly about: Vec3;
}

/** Has to come before the component gets its Gaussians. */
export function modify(splat: GSplatComponent, grow: number, clip: Clip | null): void {
  splat.setWorkBufferModifier({ glsl: GLSL, wgsl: "" });
  splat.setParameter("uGrow", grow);
  setClip(splat, clip);
}

export function resize(splat: GSplatComponent, grow: number): void {
  if (splat.getParameter("uGrow") !== grow) splat.setParameter("uGrow", grow);
}

export function setClip(splat: GSplatComponent, clip: Clip | null): void {
  const or = (limits: Limits | undefined, otherwise: number): number[] => [0, 1, 2].map((axis) => limits?.[axis] ?? otherwise);
  splat.setParameter("uBoxLow", or(clip?.box.low, -NO_LIMIT));
  splat.setParameter("uBoxHigh", or(clip?.box.high, NO_LIMIT));
  splat.setParameter("uBoxTurn", [...direction(clip?.box.turn ?? 0)]);
  splat.setParameter("uBoxAbout", clip ? clip.about.slice(0, 2) : [0, 0]);
}
