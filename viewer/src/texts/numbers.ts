/** Figures as the viewer writes them. */
export const number = new Intl.NumberFormat("en-GB");
export const decimal = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const figure = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

/** A number of bytes as people say it. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${number.format(Math.ceil(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${decimal.format(bytes / 1e6)} MB` : `${decimal.format(bytes / 1e9)} GB`;
}
