import { opening, second } from "./early";
import { MODES, type ModeName } from "./modes/mode";
import { forward, up } from "./pose";
import type { Vec3 } from "./math";
import { Viewer } from "./viewer";

/** What pages that embed the viewer, and tests, may use. Coordinates are those of the manifest (Z up). */
interface SplatViewer {
  /** Resolves when the whole scene is on the screen; rejects with the error shown; never settles without a scene. */
  readonly ready: Promise<void>;
  /** Whether it is, as a value. */
  readonly complete: boolean;
  readonly mode: ModeName | null;
  /** The camera as it is shown now, or the eyes of who wears a headset; null before the scene is there. */
  camera(): { position: Vec3; forward: Vec3; up: Vec3; heading: number; pitch: number } | null;
  /** Frames drawn since the page was opened; it stands still while nothing changes. */
  readonly frames: number;
  setMode(mode: ModeName): void;
}

declare global {
  interface Window {
    splatViewer: SplatViewer;
  }
}

const viewer = new Viewer();
const ready = opening === null ? new Promise<void>(() => viewer.welcome()) : viewer.openManifest(opening, second);
let complete = false;
ready.then(() => (complete = true)).catch(() => undefined); // the page shows it; only those who wait for `ready` get it again

window.splatViewer = {
  ready,
  get complete() {
    return complete;
  },
  get mode() {
    return viewer.rig?.mode ?? null;
  },
  camera() {
    const pose = viewer.seenFrom;
    return pose ? { ...pose, forward: forward(pose), up: up(pose) } : null;
  },
  get frames() {
    return viewer.stage?.drawing.frames ?? 0;
  },
  setMode(mode) {
    if (!MODES.includes(mode)) throw new TypeError(`No such mode: ${String(mode)}`);
    viewer.setMode(mode);
  },
};
