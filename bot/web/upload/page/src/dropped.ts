/** A file with the name under which it is kept: its folders are part of it, so that none is lost. */
export interface Named {
  name: string;
  file: File;
}

const USABLE = /\.(jpe?g|png|webp|tiff?|bmp|hei[cf]|mp4|mov|m4v|zip)$/i;

/** Pictures in these are no photos, and would be taken for some without their folder. */
const BESIDE = /(^|\/)(masks?|depths?)\//i;
const RAW = /\.(dng|cr2|cr3|nef|arw|raf|rw2|orf)$/i;

/** Files of which something can be made, and a sentence about the others; empty for none. */
export interface Chosen {
  usable: Named[];
  left: string;
}

interface Found {
  path: string;
  file: File;
}

/** What is in files that somebody has chosen. */
export function chosen(files: Iterable<File>): Chosen {
  return sorted([...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** What is in files and folders that somebody has dropped. */
export async function dropped(items: DataTransferItemList): Promise<Chosen> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return sorted((await Promise.all(entries.map(inside))).flat());
}

function sorted(all: Found[]): Chosen {
  const seen = all.filter(({ path }) => !/(^|\/)(\.|__MACOSX|Thumbs\.db$)/i.test(path));
  const others = seen.filter(({ path }) => !isUsable(path));
  const usable = seen.filter(({ path }) => isUsable(path)).map(({ path, file }) => ({ name: flat(path), file }));
  return { usable, left: others.length ? leftOut(others.map(({ path }) => path)) : "" };
}

function leftOut(paths: string[]): string {
  const [raw, beside] = [RAW, BESIDE].map((kind) => paths.filter((path) => kind.test(path)).length);
  const names = paths.slice(0, 3).join(", ") + (paths.length > 3 ? " and more" : "");
  const advice = [raw ? "Export raw files as JPEG." : "", beside ? "To bring masks, put all into one .zip." : ""];
  return [`${paths.length} file${paths.length > 1 ? "s were" : " was"} left out: ${names}.`, ...advice].filter(Boolean).join(" ");
}

async function inside(entry: FileSystemEntry): Promise<Found[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  for (;;) { // a reader gives a hundred entries at a time, and then none
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.map(inside))).flat());
  }
}

/** `card/100MEDIA/DJI_1.JPG` is `100MEDIA_DJI_1.JPG`: the topmost folder alone tells nothing apart. */
function flat(path: string): string {
  const parts = path.split("/");
  return (parts.length > 1 ? parts.slice(1) : parts).join("_");
}

function isUsable(path: string): boolean {
  return USABLE.test(path) && !BESIDE.test(path);
}
