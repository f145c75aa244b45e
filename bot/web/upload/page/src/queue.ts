import { begin, finished, Refused, send } from "./api";

/** Pieces on their way at once, and milliseconds before the first and the longest new try. */
const AT_ONCE = 4;
const [FIRST_PAUSE, LONGEST_PAUSE] = [1_000, 30_000];

export type State = "waiting" | "sending" | "done" | "refused";

/** One file. `sent` are its bytes that have arrived or are on their way. */
export interface Item {
  name: string;
  file: File;
  state: State;
  sent: number;
  problem: string;
}

/** Sends files, a few at a time. What fails is tried again until it goes; what is refused is not. */
export class Queue {
  readonly items: Item[] = [];
  private running = 0;

  constructor(private readonly piece: number, private readonly changed: () => void) {}

  add(name: string, file: File): void {
    if (this.items.some((item) => item.name === name && item.file.size === file.size)) return;
    this.items.push({ name, file, state: "waiting", sent: 0, problem: "" });
    this.fill();
  }

  get isBusy(): boolean {
    return this.items.some(({ state }) => state === "waiting" || state === "sending");
  }

  private fill(): void {
    for (const item of this.items) {
      if (this.running >= AT_ONCE) break;
      if (item.state === "waiting") void this.run(item);
    }
    this.changed();
  }

  private async run(item: Item): Promise<void> {
    this.running += 1;
    item.state = "sending";
    for (let pause = FIRST_PAUSE; item.state === "sending"; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await this.send(item);
        [item.state, item.sent, item.problem] = ["done", item.file.size, ""];
      } catch (wrong) {
        item.problem = wrong instanceof Error ? wrong.message : "It did not go.";
        if (wrong instanceof Refused) item.state = "refused";
        else await waiting(pause);
      }
      this.changed();
    }
    this.running -= 1;
    this.fill();
  }

  private async send(item: Item): Promise<void> {
    const { file, name } = item;
    const { done, there } = await begin(name, file.size);
    if (done) return;
    const count = Math.ceil(file.size / this.piece);
    item.sent = there.reduce((sum, number) => sum + this.slice(file, number).size, 0);
    for (let number = 1; number <= count; number += 1) {
      if (there.includes(number)) continue;
      const before = item.sent;
      const data = this.slice(file, number);
      await send(name, number, data, (bytes) => { item.sent = before + bytes; this.changed(); });
      [item.sent, item.problem] = [before + data.size, ""];
    }
    await finished(name, file.size);
  }

  private slice(file: File, number: number): Blob {
    return file.slice((number - 1) * this.piece, number * this.piece);
  }
}

/** Wait, but no longer than until the connection is back. */
function waiting(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
