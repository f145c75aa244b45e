import { describe, expect, test } from "vitest";
import { fromAddress, toAddress } from "../src/address";
import { ViewerError } from "../src/errors";
import { MAX_HASH, MAX_PINS } from "../src/limits";
import type { Place } from "../src/place";
import { type Pin, pinsFromJson, pinsFromText, pinsToJson, pinsToText } from "../src/tools/pins";

const place: Place = { mode: "orbit", pose: { position: [1, 2, 3], heading: 0, pitch: 0 } };
const pins: readonly Pin[] = [
  { position: [1.25, -3500.125, 0], note: "Gate; 50 % open, (north) & “süß” <b> 🏡", link: new URL("https://example.org/a;b?c=d,e&f=%20#g") },
  { position: [0, 1e-7, 2], note: "", link: null },
];

describe("pins in an address", () => {
  test("come back as they were", () => expect(pinsFromText(pinsToText(pins))).toEqual(pins));

  test("are short, and hold nothing that ends a link in a message", () => {
    expect(pinsToText([{ position: [1.5, 2, -3], note: "Old gate", link: null }])).toBe("1.5,2,-3,Old+gate");
    expect(pinsToText(pins)).toMatch(/^[\w%.,;+\-~]*$/);
  });

  test("come with the camera's place", () => {
    expect(fromAddress(toAddress({ place, pins, box: null }))).toEqual({ place, pins, box: null });
    expect(toAddress({ place, pins: [], box: null })).not.toContain("pins");
  });

  test("the longest that a page lets one write fit into it", () => {
    const link = new URL(`https://example.org/${"a".repeat(480)}`);
    const many = Array.from({ length: MAX_PINS }, () => ({ position: [-1234567, -0.1234567, 1e7] as const, note: "漢".repeat(200), link }));
    expect(fromAddress(toAddress({ place, pins: many, box: null })).pins).toEqual(many);
  });

  test.each([
    "", ";", "1,2", "1,2,3;", "1,2,NaN", "1,2,Infinity", "1,2,1e99", "1,2,0x1", "1,2, 3", "1,2,3,a,b,c", "1,2,3,%", "1,2,3,%ff",
    "1,2,3,a,javascript:alert(1)", "1,2,3,a,data:text/html,1", "1,2,3,a,//evil.example", "1,2,3,a,/etc", "1,2,3,a,https://me:secret@host/", "1,2,3,a,ftp://host/",
    `1,2,3,a,https://host/${"a".repeat(500)}`, Array(MAX_PINS + 1).fill("1,2,3").join(";"),
  ])("that are “%.60s” are none", (text) => {
    expect(pinsFromText(text)).toBeNull();
    expect(fromAddress(`#orbit@1,2,3,0,0&pins=${text}`)).toEqual({ place, pins: [], box: null }); // and the rest still counts
  });

  test("an address beyond all measure is not even looked at", () => {
    expect(fromAddress(`#orbit@1,2,3,0,0&pins=1,2,3,${"a".repeat(MAX_HASH)}`)).toEqual({ place: null, pins: [], box: null });
  });

  test("a note is one bounded line without what controls a screen", () => {
    const [pin] = pinsFromText(`1,2,3,%00a%0Ab%1B${"c".repeat(300)}`)!;
    expect(pin!.note).toMatch(/^a b c{190,}$/);
    expect(pin!.note.length).toBeLessThanOrEqual(200);
  });
});

describe("pins in a file", () => {
  test("come back as they were", () => expect(pinsFromJson(pinsToJson(pins, "demo/cube"))).toEqual(pins));

  test.each<[string, string]>([
    ["<html>", "not JSON"],
    ["[]", "“pins”"],
    ['{"__proto__": {"pins": []}}', "“pins”"],
    [JSON.stringify({ pins: Array(MAX_PINS + 1).fill({ position: [1, 2, 3] }) }), "“pins”"],
    ['{"pins": [null]}', "“pins[0].position”"],
    ['{"pins": [{"position": [1, 2, 3]}, {"position": [1, 2]}]}', "“pins[1].position”"],
    ['{"pins": [{"position": [1, 2, 1e999]}]}', "“pins[0].position”"],
    ['{"pins": [{"position": [1, 2, "3"]}]}', "“pins[0].position”"],
    ['{"pins": [{"position": [1, 2, 3], "note": {}}]}', "“pins[0].note”"],
    ['{"pins": [{"position": [1, 2, 3], "link": "javascript:alert(1)"}]}', "“pins[0].link”"],
    ['{"pins": [{"position": [1, 2, 3], "link": 7}]}', "“pins[0].link”"],
  ])("of which %.60s is all are refused with the field's name", (text, said) => {
    expect(() => pinsFromJson(text)).toThrow(ViewerError);
    expect(() => pinsFromJson(text)).toThrow(said);
  });
});
