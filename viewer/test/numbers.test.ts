import { expect, test } from "vitest";
import { size } from "../src/texts/numbers";

test.each([
  [0, "0 kB"],
  [1, "1 kB"],
  [48_600, "49 kB"],
  [1_000_000, "1.0 MB"],
  [57_940_000, "57.9 MB"],
  [2_345_000_000, "2.3 GB"],
])("%i bytes are said in the unit that people would take", (bytes, said) => {
  expect(size(bytes)).toBe(said);
});
