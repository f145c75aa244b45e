import { ViewerError } from "./errors";
import { STALLED_MS } from "./limits";
import { errors } from "./texts/errors";

export interface Source {
  /** What it is, for sentences: “The splat file”. */
  readonly what: string;
  /** Bytes to come, when known beforehand. */
  readonly total: number | null;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export const fromFile = (file: File): Source => ({
  what: `“${file.name.slice(0, 80)}”`,
  total: file.size,
  chunks: file.stream(),
});

/** Opens a download; refuses one that is, or turns out, larger than `limit` bytes. */
export async function open(url: URL, what: string, limit: number, until?: AbortSignal): Promise<Source> {
  const watch = new Watchdog(what, until);
  const response = await watch.guard(fetch(url, request(watch.signal)), () => unreachable(url, what));
  if (!response.ok) throw refused(response.status, what);
  const total = declaredLength(response);
  if (total !== null && total > limit) throw tooLarge(what, limit);
  return { what, total, chunks: read(response, watch, limit) };
}

/** Collects all bytes; `tell` gets the length of each part. */
export async function whole(source: Source, tell: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of source.chunks) {
    parts.push(chunk);
    tell(chunk.byteLength);
  }
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export async function readText(source: Source): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of source.chunks) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

const request = (signal: AbortSignal): RequestInit => ({
  signal,
  credentials: "omit",
  referrerPolicy: "no-referrer",
});

async function* read(response: Response, watch: Watchdog, limit: number): AsyncGenerator<Uint8Array> {
  const reader = response.body!.getReader();
  let received = 0;
  try {
    for (;;) {
      const { done, value } = await watch.guard(reader.read(), () => new ViewerError(...errors.cut(watch.what)));
      if (done) return;
      received += value.byteLength;
      if (received > limit) throw tooLarge(watch.what, limit);
      yield value;
    }
  } finally {
    watch.abort(); // stops the transfer when the reader left early; nothing to stop when it is complete
  }
}

/** Ends a transfer that goes silent: a hung server must not leave the reader waiting for ever. */
class Watchdog {
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;

  /** `until`: the whole scene is no longer wanted. */
  constructor(
    readonly what: string,
    until?: AbortSignal,
  ) {
    until?.addEventListener("abort", () => this.abort());
  }

  abort(): void {
    this.controller.abort();
  }

  async guard<T>(step: Promise<T>, explain: () => ViewerError): Promise<T> {
    let stalled = false;
    const timer = setTimeout(() => ((stalled = true), this.abort()), STALLED_MS);
    try {
      return await step;
    } catch {
      throw stalled ? new ViewerError(...errors.stalled(this.what)) : explain();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Content-Length counts the bytes that arrive only when they are not compressed on the way. */
function declaredLength(response: Response): number | null {
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const plain = (response.headers.get("content-encoding") ?? "identity") === "identity";
  return plain && Number.isSafeInteger(length) && length >= 0 ? length : null;
}

/** The browser hides why a fetch failed; the addresses tell what is likely. */
function unreachable(url: URL, what: string): ViewerError {
  if (location.protocol === "https:" && url.protocol === "http:") return new ViewerError(...errors.mixed(what, url.host));
  if (url.origin !== location.origin) return new ViewerError(...errors.cors(what, url.host, location.origin));
  return new ViewerError(...errors.unreachable(what, url.host));
}

function refused(status: number, what: string): ViewerError {
  if (status === 404 || status === 410) return new ViewerError(...errors.notFound(what));
  if (status === 401 || status === 403) return new ViewerError(...errors.forbidden(what, status));
  return new ViewerError(...errors.status(what, status));
}

const tooLarge = (what: string, limit: number): ViewerError => new ViewerError(...errors.tooLarge(what, limit / 1e6));
