/** Figures as the viewer writes them. */
export const number = new Intl.NumberFormat("en-GB");
export const decimal = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const figure = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const plain = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
