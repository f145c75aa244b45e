import { useEffect, useState } from "react";
import type { Json, Option, Snapshot } from "./types";

/** Do something as the person; see bot/sandbox/person.py. */
export async function act(name: string, body: Json = {}): Promise<Json> {
  const answer = await fetch(`sandbox/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Json;
}

/** Give the workspace files of the person's, and send a message with them. */
export async function share(files: readonly File[], text: string, channel: string, thread?: string): Promise<void> {
  const kept: string[] = [];
  for (const file of files) {
    const url = `sandbox/files?name=${encodeURIComponent(file.name)}`;
    const answer = await fetch(url, { method: "POST", body: file });
    kept.push(((await answer.json()) as { id: string }).id);
  }
  await act("share", { files: kept, text, channel, ...(thread ? { thread_ts: thread } : {}) });
}

/** Ask the bot for the options of an external select. */
export async function fetchOptions(blockId: string, actionId: string, text: string): Promise<Option[]> {
  const answer = await act("options", { block_id: blockId, action_id: actionId, text });
  return (answer["options"] as Option[] | undefined) ?? [];
}

/** The workspace as it is now; the server sends it whole whenever it changes. */
export function useSnapshot(): { all: Snapshot | null; isConnected: boolean } {
  const [all, setAll] = useState<Snapshot | null>(null);
  const [isConnected, setIsConnected] = useState(false);
  useEffect(() => {
    const source = new EventSource("sandbox/updates");
    source.onopen = () => setIsConnected(true);
    source.onerror = () => setIsConnected(false);
    source.onmessage = (event) => setAll(JSON.parse(event.data as string) as Snapshot);
    return () => source.close();
  }, []);
  return { all, isConnected };
}
