import { open, readText } from "./download";
import { ViewerError } from "./errors";
import { MAX_MANIFEST_BYTES } from "./limits";
import { type Manifest, parseManifest } from "./manifest";
import { MODES, type ModeName } from "./modes/mode";
import { texts } from "./texts";

/** Fetches and checks a manifest. */
export async function fetchManifest(url: URL): Promise<Manifest> {
  const source = await open(url, texts.theManifest, MAX_MANIFEST_BYTES);
  const text = await readText(source);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ViewerError(...texts.errors.notJson);
  }
  return parseManifest(json, url);
}

/** How a scene is first seen. SplatWalk writes “splat” for its viewer and lists the real modes apart. */
export function startMode(manifest: Manifest | null): ModeName {
  const wanted = [manifest?.viewerMode, ...(manifest?.viewerModes ?? [])];
  return MODES.find((mode) => mode === wanted.find((name) => MODES.includes(name as ModeName))) ?? "orbit";
}
