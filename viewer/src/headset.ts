/** How a headset, or a phone that is held like a window, shows a scene: instead of the room, or in it. */
export type Immersive = "immersive-vr" | "immersive-ar";

const KINDS: readonly Immersive[] = ["immersive-vr", "immersive-ar"];

/** What this device can do of it; null where it can do nothing, or where the page's frame forbids to ask. */
export async function immersive(): Promise<Immersive | null> {
  const { xr } = navigator;
  if (!xr) return null;
  const can = await Promise.all(KINDS.map((kind) => xr.isSessionSupported(kind).catch(() => false)));
  return KINDS.find((_, i) => can[i]) ?? null;
}
