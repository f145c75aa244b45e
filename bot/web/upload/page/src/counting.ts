const KINDS = [
  [/\.zip$/i, "archive", "archives"],
  [/\.(mp4|mov|m4v)$/i, "video", "videos"],
  [/./, "photo", "photos"],
] as const;

/** What files are, in words, by their names: "2 photos, 1 video and 1 archive". */
export function counted(names: string[]): string {
  const words = inWords(names);
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words.join();
}

/** How many of these files are there, and what they are: "1 of 1 photo". */
export function progressOf(ready: number, names: string[]): string {
  const all = inWords(names).length > 1 ? `${names.length.toLocaleString()} files: ` : "";
  return `${ready.toLocaleString()} of ${all}${counted(names)}`;
}

function inWords(names: string[]): string[] {
  const kinds = names.map((name) => KINDS.findIndex(([kind]) => kind.test(name)));
  const counts = KINDS.map(([, one, many], kind) => {
    const files = kinds.filter((found) => found === kind).length;
    return files && `${files.toLocaleString()} ${files === 1 ? one : many}`;
  });
  return counts.filter((words) => words !== 0).reverse();
}
