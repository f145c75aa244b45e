import { MAX_HASH } from "./limits";
import { fromHash, type Place, toHash } from "./place";
import { type Box, boxFromText, boxToText, cutsNothing } from "./tools/clip";
import { type Pin, pinsFromText, pinsToText } from "./tools/pins";

/** What the end of an address keeps of how a scene is seen. */
export interface Kept {
  readonly place: Place | null;
  readonly pins: readonly Pin[];
  readonly box: Box | null;
}

/** `#` and the place, then a part for each of the others that there is. */
export function toAddress({ place, pins, box }: Kept & { readonly place: Place }): string {
  const parts = [toHash(place)];
  if (pins.length > 0) parts.push(`pins=${pinsToText(pins)}`);
  if (box && !cutsNothing(box)) parts.push(`clip=${boxToText(box)}`);
  return parts.join("&");
}

/** Reads what `toAddress` writes. Anybody may have written it: a part that is anything else counts as absent. */
export function fromAddress(hash: string): Kept {
  const [place = "", ...parts] = hash.length <= MAX_HASH ? hash.split("&", 8) : [];
  const part = <T>(name: string, read: (text: string) => T | null): T | null => {
    const text = parts.find((each) => each.startsWith(`${name}=`));
    return text === undefined ? null : read(text.slice(name.length + 1));
  };
  return { place: fromHash(place), pins: part("pins", pinsFromText) ?? [], box: part("clip", boxFromText) };
}
