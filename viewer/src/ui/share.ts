/** Copies a text; false where the browser does not let this page. */
export async function copy(text: string): Promise<boolean> {
  if (!("clipboard" in navigator)) return false;
  return navigator.clipboard.writeText(text).then(() => true, () => false);
}

/** Saves a file on this computer. */
export function save(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href)); // after the browser has taken it
}

/** What a file of a scene is called: its title without an ending and what file systems refuse. */
export function fileName(title: string, extension: string): string {
  const plain = title.replace(/\.[a-z0-9]{1,8}$/i, "").replace(/[^\p{L}\p{N} _-]/gu, "").trim().slice(0, 60);
  return `${plain || "splat"}.${extension}`;
}

/** The HTML that puts the scene, as an address shows it, into another page. */
export function embedCode(address: string, title: string): string {
  const url = new URL(address);
  url.searchParams.set("embed", "1");
  const quoted = (text: string): string => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<iframe src="${quoted(url.href)}" title="${quoted(title)}" width="960" height="540" style="border:0" loading="lazy" allow="fullscreen; xr-spatial-tracking"></iframe>`;
}
