/** The page's first script, and a small one: what a link names is on its way before the rest of the page is. */
import { HALF } from "./limits";
import { fromManifest, type Loading } from "./loading";
import type { Manifest } from "./manifest";
import { readManifest } from "./opening";

/** What a link names, checked, and its files on their way. */
export interface Opening {
  readonly manifest: Manifest;
  readonly load: Loading;
}

const query = new URLSearchParams(location.search);
const address = query.get("manifest");
/** The address of a second scene, to be shown beside the first. */
export const second = query.get("compare");
/** Null where the link names nothing. */
export const opening = address === null ? null : begin(address);
opening?.catch(() => undefined); // the page shows it as soon as it can

async function begin(manifestAddress: string): Promise<Opening> {
  const manifest = await readManifest(manifestAddress);
  return { manifest, load: fromManifest(manifest, second === null ? 1 : HALF) };
}
