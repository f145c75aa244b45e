/** Bounds that hold before anything is allocated; a manifest or a file may claim what it likes. */
export const MAX_GAUSSIANS = 8_000_000;
export const MAX_SPLAT_BYTES = MAX_GAUSSIANS * 32;
export const MAX_PLY_BYTES = 2_000_000_000;
export const MAX_MANIFEST_BYTES = 16_000_000;
export const MAX_GROUND_CELLS = 1_000_000;
export const MAX_COORDINATE = 1e7;
export const MAX_TEXT = 200;
export const MAX_URL = 4096;
/** A download that sends nothing for so long is given up. */
export const STALLED_MS = 30_000;
