import "./style.css";
import { done, session, type Session } from "./api";
import { counted, progressOf } from "./counting";
import { type Chosen, chosen, dropped } from "./dropped";
import { type Item, Queue } from "./queue";

const find = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [drop, progress, end] = [find("drop"), find("progress"), find("end")];
const tell = (text: string, isWrong = false) => {
  find("what").textContent = text;
  find("what").classList.toggle("wrong", isWrong);
};

/** Files of the list that are drawn: a set may have thousands. */
const SHOWN = 200;

async function start(): Promise<void> {
  // Who is quicker than the bot's answer loses nothing: what was chosen waits for it.
  const early: Chosen[] = [];
  let add = (found: Chosen): void => { early.push(found); };
  listen((found) => add(found));
  let known: Session;
  try {
    known = await session();
  } catch (wrong) {
    tell(wrong instanceof Error ? wrong.message : "The bot does not answer.", true);
    return;
  }
  const until = new Date(known.expires * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  const there = known.files.length ? ` Already there: ${counted(known.files)}.` : "";
  tell(`They are kept as ${known.dataset}.${there} Your link is good until ${until}.`);
  drop.hidden = false;
  end.hidden = !known.files.length;
  const began = { at: 0, sent: 0 };
  const queue = new Queue(known.piece, () => schedule(() => draw(queue, began)));
  add = ({ usable: files, left }) => {
    if (!queue.isBusy) Object.assign(began, { at: performance.now(), sent: total(queue.items, "sent") });
    for (const { name, file } of files.slice(0, known.most)) queue.add(name, file);
    if (!files.length) tell(`There are no photos in that. ${left}`.trim(), true);
    else if (left) tell(left);
  };
  early.forEach(add);
  addEventListener("beforeunload", (event) => { if (queue.isBusy) event.preventDefault(); });
}

function listen(add: (found: Chosen) => void): void {
  for (const [button, input] of [["choose", "files"], ["folder", "folders"], ["camera", "shots"]] as const) {
    const field = find<HTMLInputElement>(input);
    find(button).onclick = () => field.click();
    field.onchange = () => { add(chosen(field.files ?? [])); field.value = ""; };
  }
  document.ondragover = (event) => { event.preventDefault(); drop.classList.add("over"); };
  document.ondragleave = (event) => { if (!event.relatedTarget) drop.classList.remove("over"); };
  document.ondrop = (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer) void dropped(event.dataTransfer.items).then(add);
  };
  find("done").onclick = () => void finish();
}

async function finish(): Promise<void> {
  const button = find<HTMLButtonElement>("done");
  button.disabled = true;
  try {
    const { dataset, files } = await done();
    tell(`Thank you. ${kept(files)} as ${dataset}. The bot looks at them and tells you in Slack what it found.`);
    for (const part of [drop, progress, end]) part.hidden = true;
  } catch (wrong) {
    tell(wrong instanceof Error ? wrong.message : "The bot does not answer. Try again.", true);
    button.disabled = false;
  }
}

let isDue = false;

/** Draw once before the next picture of the screen, however often something changes. */
function schedule(act: () => void): void {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => { isDue = false; act(); });
}

function draw(queue: Queue, began: { at: number; sent: number }): void {
  const { items } = queue;
  const [sent, all] = [total(items, "sent"), items.reduce((sum, { file }) => sum + file.size, 0)];
  const ready = items.filter(({ state }) => state === "done").length;
  progress.hidden = !items.length;
  end.hidden = queue.isBusy || !ready;
  find("count").textContent = progressOf(ready, items.map(({ name }) => name));
  find("rate").textContent = `${size(sent)} of ${size(all)}${left(all - sent, sent - began.sent, began.at, queue.isBusy)}`;
  find<HTMLProgressElement>("bar").value = all ? sent / all : 0;
  // What is at work or wrong first: nobody scrolls through what is done.
  const order = { refused: 0, sending: 1, waiting: 2, done: 3 };
  const sorted = [...items].sort((a, b) => order[a.state] - order[b.state]).slice(0, SHOWN);
  find("list").replaceChildren(...sorted.map(row));
}

function row(item: Item): HTMLLIElement {
  const [line, name, note] = [document.createElement("li"), document.createElement("span"), document.createElement("small")];
  line.className = item.state;
  name.textContent = item.name;
  const words = { waiting: size(item.file.size), sending: percent(item), done: "done", refused: item.problem };
  note.textContent = item.state === "sending" && item.problem ? `trying again (${item.problem})` : words[item.state];
  line.append(name, note);
  return line;
}

const total = (items: Item[], what: "sent") => items.reduce((sum, item) => sum + item[what], 0);
const percent = ({ sent, file }: Item) => `${Math.floor((100 * sent) / file.size)} %`;
const kept = (files: number) => (files === 1 ? "1 file is kept" : `${files.toLocaleString()} files are kept`);

function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function left(bytes: number, sent: number, since: number, isBusy: boolean): string {
  const seconds = (performance.now() - since) / 1000;
  if (!isBusy || seconds < 2 || sent <= 0) return "";
  const rest = (bytes / sent) * seconds;
  const words = rest < 60 ? `${Math.ceil(rest)} s` : `${Math.ceil(rest / 60)} min`;
  return ` · ${size(sent / seconds)}/s · ${words} left`;
}

void start();
