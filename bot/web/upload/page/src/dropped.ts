/** A file with the name under which it is kept: its folders are part of it, so that none is lost. */
export interface Named {
  name: string;
  file: File;
}

const USABLE = /\.(jpe?g|png|webp|tiff?|bmp|hei[cf]|mp4|mov|m4v|zip)$/i;

/** Those of chosen files of which something can be made. */
export function chosen(files: Iterable<File>): Named[] {
  return [...files].map((file) => ({ name: flat(file.webkitRelativePath || file.name), file })).filter(isUsable);
}

/** The files of what was dropped, those inside folders too. */
export async function dropped(items: DataTransferItemList): Promise<Named[]> {
  const entries = [...items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  return (await Promise.all(entries.map(inside))).flat().filter(isUsable);
}

async function inside(entry: FileSystemEntry): Promise<Named[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ name: flat(entry.fullPath.slice(1)), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Named[] = [];
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

function isUsable({ name }: Named): boolean {
  return USABLE.test(name) && !name.startsWith(".");
}
