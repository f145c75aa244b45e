import type { SogMeta } from "../formats/sog";

/** Gaussians that are worked on before the page may do something else. */
const BATCH = 1 << 16;

let exact: boolean | null = null;

/** Whether this browser hands out a picture's pixels as they are: some change them, so that nobody is told apart by them. */
export function readsExactly(): boolean {
  if (exact !== null) return exact;
  const colours = Uint8ClampedArray.from({ length: 64 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (37 * i) & 255));
  const context = canvas(8, 8);
  context.putImageData(new ImageData(colours, 8, 8), 0, 0);
  const found = context.getImageData(0, 0, 8, 8).data;
  return (exact = found.every((value, i) => value === colours[i]));
}

/**
 * Places of the Gaussians of a .sog, x y z after each other, from the pictures of their low and high bytes. The engine
 * computes them on the graphics card, and waits for them until that has drawn all it was given before.
 */
export async function centers({ means, count }: SogMeta, low: ImageBitmap, high: ImageBitmap): Promise<Float32Array> {
  const [l, h] = [pixels(low), pixels(high)];
  const places = new Float32Array(3 * count);
  const scale = means.mins.map((min, axis) => (means.maxs[axis]! - min) / 65535);
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    for (let axis = 0; axis < 3; axis++) {
      for (let i = start; i < end; i++) {
        const log = means.mins[axis]! + scale[axis]! * (l[4 * i + axis]! + 256 * h[4 * i + axis]!);
        places[3 * i + axis] = Math.sign(log) * Math.expm1(Math.abs(log));
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  return places;
}

function pixels(picture: ImageBitmap): Uint8ClampedArray {
  const context = canvas(picture.width, picture.height);
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, picture.width, picture.height).data;
}

const canvas = (width: number, height: number): OffscreenCanvasRenderingContext2D =>
  new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false })!;
