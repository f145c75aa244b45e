/** Bounds that hold before anything is allocated; a manifest or a file may claim what it likes. */
export const MAX_GAUSSIANS = 8_000_000;
export const MAX_SPLAT_BYTES = MAX_GAUSSIANS * 32;
export const MAX_PLY_BYTES = 2_000_000_000;
export const MAX_MANIFEST_BYTES = 16_000_000;
export const MAX_GROUND_CELLS = 1_000_000;
/** EPSG codes have at most five digits. */
export const MAX_EPSG = 99_999;
export const MAX_COORDINATE = 1e7;
export const MAX_TEXT = 200;
export const MAX_URL = 4096;
export const MAX_LEVELS = 16;
/** Gaussians are never shown larger than this, whatever a manifest says. */
export const MAX_GROW = 4;
export const MAX_FORMATS = 8;
/** Pins of a scene, and the characters of one's note and of its link. */
export const MAX_PINS = 50;
export const MAX_NOTE = 200;
export const MAX_LINK = 500;
export const MAX_PINS_BYTES = 1_000_000;
/** Characters of the end of an address: as many as the longest pins need. */
export const MAX_HASH = 200_000;
/** Programs that pass a link on may cut off a longer one. */
export const LONG_LINK = 2000;
/** Of cameras.json: photos that it tells at most, its bytes, and pixels along a photo's side or a focal length. */
export const MAX_CAMERAS = 2000;
export const MAX_CAMERAS_BYTES = 2_000_000;
export const MAX_PIXELS = 1_000_000;
/** A download that sends nothing for so long is given up. */
export const STALLED_MS = 30_000;

/**
 * Gaussians that a device should be asked to draw, of a scene in levels. A phone's browser ends a page that
 * takes some hundred megabytes; a Gaussian takes some 70 bytes on both sides of the graphics driver.
 */
export function gaussiansFor(device: { readonly memoryGb: number | null; readonly phone: boolean }): number {
  if (device.phone) return (device.memoryGb ?? 4) < 4 ? 300_000 : 800_000;
  return device.memoryGb !== null && device.memoryGb < 4 ? 1_500_000 : MAX_GAUSSIANS;
}

/**
 * Gaussians that a headset should be asked to draw at first, twice, some 72 times a second. One that computes by itself
 * has a phone's processor: a Quest 3 was found to bear 400,000 (github.com/ninjamode/Unity-VR-Gaussian-Splatting).
 */
export const gaussiansWorn = (alone: boolean): number => (alone ? 400_000 : 3_000_000);

/** Of what a device can bear, the part that each of two scenes may take. */
export const HALF = 0.5;

/** The device that this page is on, as far as a browser tells. */
export const thisDevice = (): { memoryGb: number | null; phone: boolean } => ({
  memoryGb: (navigator as { deviceMemory?: number }).deviceMemory ?? null,
  phone: matchMedia("(pointer: coarse)").matches && Math.min(screen.width, screen.height) < 600,
});

/** Whether this page is on a phone or in a headset, and not on a computer that a headset is plugged in to. */
export const handheld = (): boolean => matchMedia("(pointer: coarse)").matches || /Android|Quest/.test(navigator.userAgent);
