import type { Bounds } from "../manifest";
import type { Vec3 } from "../math";

const SAMPLES = 20_000;

/** Bounds of a cloud without a manifest: percentiles, so that a few stray Gaussians do not blow them up. */
export function measure(centers: Float32Array, count: number): Bounds {
  const step = Math.max(1, Math.floor(count / SAMPLES));
  const axes = [0, 1, 2].map((axis) => {
    const values = Float32Array.from({ length: Math.ceil(count / step) }, (_, i) => centers[i * step * 3 + axis]!).sort();
    return (share: number): number => values[Math.round(share * (values.length - 1))] ?? 0;
  });
  const at = (share: number): Vec3 => [axes[0]!(share), axes[1]!(share), axes[2]!(share)];
  return { min: at(0.01), max: at(0.99), groundZ: axes[2]!(0.05) };
}
