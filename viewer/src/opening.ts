import { open, readText } from "./download";
import { parseJson, ViewerError } from "./errors";
import { MAX_MANIFEST_BYTES } from "./limits";
import { type Manifest, parseManifest, webAddress } from "./manifest";
import { errors, theManifest } from "./texts/errors";

/** Fetches and checks the manifest that a link names. */
export async function readManifest(address: string): Promise<Manifest> {
  const url = webAddress(address, new URL(location.href));
  if (!url) throw new ViewerError(...errors.manifestAddress(address.slice(0, 80)));
  const text = await readText(await open(url, theManifest, MAX_MANIFEST_BYTES));
  return parseManifest(parseJson(text, new ViewerError(...errors.notJson)), url);
}
