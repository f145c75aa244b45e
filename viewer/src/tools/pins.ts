import { parseJson, ViewerError } from "../errors";
import { MAX_COORDINATE, MAX_LINK, MAX_NOTE, MAX_PINS } from "../limits";
import { webAddress } from "../manifest";
import type { Vec3 } from "../math";
import { wanted } from "../texts/errors";
import { texts } from "../texts/page";

/** A place in the scene, world units, with a note and perhaps a link. All three may come from a stranger's address or file. */
export interface Pin {
  readonly position: Vec3;
  readonly note: string;
  readonly link: URL | null;
}

/** One line of text of bounded length; what is no character, or controls a terminal, becomes a space. */
export const readNote = (text: string): string => text.slice(0, MAX_NOTE).replace(/[\p{Cc}\p{Cs}]/gu, " ").trim();

/** A whole http(s) address; null for anything else, also for one that is relative to this page. */
export function readLink(text: string): URL | null {
  const url = webAddress(text.trim());
  return url && url.href.length <= MAX_LINK ? url : null;
}

/** As a part of an address: `x,y,z,note,link` for each, with semicolons between. */
export const pinsToText = (pins: readonly Pin[]): string =>
  pins.map(({ position, note, link }) => [...position.map(short), ...[note, link?.href ?? ""].map(escaped)].join(",").replace(/,+$/, "")).join(";");

/** Reads what `pinsToText` writes; null where anything in it is something else. */
export function pinsFromText(text: string): readonly Pin[] | null {
  const pins = text.split(";", MAX_PINS + 1).map(pinFromText);
  return pins.length <= MAX_PINS && pins.every((pin) => pin !== null) ? pins : null;
}

function pinFromText(text: string): Pin | null {
  const [x = "", y = "", z = "", note = "", link = "", ...more] = text.split(",", 6);
  const position = [x, y, z].map((value) => (/^[-+.e\d]{1,24}$/.test(value) ? Number(value) : NaN));
  const [words, address] = [unescaped(note), unescaped(link)];
  if (!isPlace(position) || words === null || address === null || more.length > 0) return null;
  const url = address === "" ? null : readLink(address);
  return address !== "" && !url ? null : { position, note: readNote(words), link: url };
}

/** As a file, for people and programs. */
export function pinsToJson(pins: readonly Pin[], scene: string): string {
  const list = pins.map(({ position, note, link }) => ({ position: position.map(short), note, ...(link && { link: link.href }) }));
  return `${JSON.stringify({ version: 1, scene, pins: list }, null, 2)}\n`;
}

/** Reads such a file, of which only `pins` is needed. Throws the sentence that says what is wrong with it. */
export function pinsFromJson(text: string): readonly Pin[] {
  const { errors } = texts.pins;
  const list = field(parseJson(text, new ViewerError(...errors.notJson)), "pins");
  if (!Array.isArray(list) || list.length > MAX_PINS) throw new ViewerError(...errors.badField("pins", wanted.list(MAX_PINS)));
  return list.map((item: unknown, i) => {
    const wrong = (name: string, what: string): ViewerError => new ViewerError(...errors.badField(`pins[${i}].${name}`, what));
    const [position, note, link] = [field(item, "position"), field(item, "note") ?? "", field(item, "link") ?? ""];
    if (!isPlace(position)) throw wrong("position", wanted.vector(3));
    if (typeof note !== "string") throw wrong("note", wanted.text);
    const url = typeof link === "string" && link !== "" ? readLink(link) : null;
    if (link !== "" && !url) throw wrong("link", wanted.url);
    return { position, note: readNote(note), link: url };
  });
}

/** Own properties only, of objects only. */
const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;

const isPlace = (value: unknown): value is Vec3 =>
  Array.isArray(value) && value.length === 3 && value.every((each) => typeof each === "number" && Math.abs(each) <= MAX_COORDINATE);

/** Seven digits, as for the camera. */
const short = (value: number): number => Number(value.toPrecision(7));

/** Text without what an address, a list of pins, or a program that looks for links gives a meaning to. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`).replaceAll("%20", "+");

function unescaped(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}
