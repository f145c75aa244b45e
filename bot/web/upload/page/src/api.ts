/** What the bot is asked; see bot/web/uploads.py. */
export interface Session {
  dataset: string;
  expires: number;
  piece: number;
  files: string[];
  most: number;
}

/** Something that another try does not mend. `message` is for people. */
export class Refused extends Error {}

const seal = location.hash.slice(1);
const headers = { Authorization: `Bearer ${seal}`, "Content-Type": "application/json" };

export const session = () => ask<Session>("");
export const begin = (name: string, size: number) =>
  ask<{ done: boolean; there: number[] }>("/files", { name, size });
export const finished = (name: string, size: number) => ask<{ done: boolean }>("/finished", { name, size });
export const done = () => ask<{ dataset: string; files: number }>("/done", {});

async function ask<T>(path: string, body?: object): Promise<T> {
  const asked = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
  const answer = await fetch(`../api/uploads${path}`, asked);
  if (answer.ok) return (await answer.json()) as T;
  const said = (await answer.json().catch(() => ({}))) as { detail?: unknown };
  const detail = typeof said.detail === "string" ? said.detail : `The bot answered ${answer.status}.`;
  throw answer.status < 500 && answer.status !== 429 ? new Refused(detail) : new Error(detail);
}

/** Send one piece to where the bot says; `tell` hears how many bytes of it have gone. */
export async function send(name: string, number: number, data: Blob, tell: (bytes: number) => void): Promise<void> {
  const { url } = await ask<{ url: string }>("/pieces", { name, number });
  const own = `../api/uploads/pieces/${number}?name=${encodeURIComponent(name)}`;
  await put(url || own, data, tell, url ? {} : { Authorization: headers.Authorization });
}

/** Not `fetch`: it does not say how far an upload is. */
function put(url: string, data: Blob, tell: (bytes: number) => void, more: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    for (const [name, value] of Object.entries(more)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => tell(event.loaded);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`${request.status}`)));
    request.onerror = () => reject(new Error("no connection"));
    request.send(data);
  });
}
