import { MAX_HASH } from "./limits";
import { fromHash, type Place, toHash } from "./place";
import { type Box, boxFromText, boxToText, cutsNothing } from "./tools/clip";
import { type Pin, pinsFromText, pinsToText } from "./tools/pins";

/** A camera that stands still so long rests. */
const RESTS_MS = 400;

/** What the end of an address keeps of how a scene is seen. */
export interface Kept {
  readonly place: Place | null;
  readonly pins: readonly Pin[];
  readonly box: Box | null;
}

/** What it is to keep: somebody always stands somewhere. */
export type Seen = Kept & { readonly place: Place };

/** `#` and the place, then a part for each of the others that there is. */
export function toAddress({ place, pins, box }: Seen): string {
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

/** The address of the page, which follows what is seen, so that a reload or a copied address comes back to it. */
export class Address {
  private timer = 0;

  /** `seen` is null while nothing is, or nothing that an address opens. */
  constructor(private readonly seen: () => Seen | null) {}

  /** Follows once the camera rests. */
  noteSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.note(), RESTS_MS);
  }

  note(): void {
    const seen = this.seen();
    if (seen) history.replaceState(null, "", toAddress(seen));
  }
}
