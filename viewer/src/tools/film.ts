/** Records pictures of a canvas as a video, in real time and on this device. */

/** The longer side of a film, pixels: full HD, which every device of the last ten years encodes and plays. */
const LONGEST = 1920;
const FRAMES_PER_SECOND = 30;
/** Bits for each pixel of each frame: twice what YouTube asks for of 1080p, because encoders in real time are worse. */
const BITS_PER_PIXEL = 0.25;
/** A film that gets larger is ended. */
const MAX_FILM_BYTES = 100_000_000;
/** How often what was recorded is handed over, milliseconds. */
const PART_MS = 500;
/** The best first. MP4 plays everywhere, in Slack and on phones too. */
const KINDS = [
  { type: "video/mp4;codecs=avc1.640033", extension: "mp4" },
  { type: "video/mp4", extension: "mp4" },
  { type: "video/webm;codecs=vp9", extension: "webm" },
  { type: "video/webm", extension: "webm" },
] as const;

export type FilmKind = (typeof KINDS)[number];

/** What this browser records; null when it records nothing. */
export function filmKind(): FilmKind | null {
  const able = "MediaRecorder" in window && "captureStream" in HTMLCanvasElement.prototype;
  return (able && KINDS.find(({ type }) => MediaRecorder.isTypeSupported(type))) || null;
}

/** The sides of the film of a canvas: even, as encoders want them. */
export function filmSize(width: number, height: number): readonly [number, number] {
  const factor = Math.min(1, LONGEST / Math.max(width, height, 1));
  const even = (side: number): number => Math.max(2, 2 * Math.round((side * factor) / 2));
  return [even(width), even(height)];
}

/**
 * A film of one size, whatever becomes of the canvas: its resolution follows the renderer's speed, and recorders break
 * off when a picture has another size than the one before.
 */
export class Film {
  private readonly sheet = document.createElement("canvas");
  private readonly pen = this.sheet.getContext("2d", { alpha: false })!;
  private readonly parts: Blob[] = [];
  private recorder: MediaRecorder | null = null;
  private ended: Promise<unknown> = Promise.resolve();
  private bytes = 0;

  /** Sides in pixels, those of `filmSize`. */
  constructor(
    readonly kind: FilmKind,
    [width, height]: readonly [number, number],
    private readonly onFull: () => void,
  ) {
    [this.sheet.width, this.sheet.height] = [width, height];
  }

  /** To be called when the first picture was taken. Resolves when the recorder runs; rejects where it can not. */
  async start(): Promise<void> {
    const { width, height } = this.sheet;
    const stream = this.sheet.captureStream(FRAMES_PER_SECOND);
    const videoBitsPerSecond = Math.round(width * height * FRAMES_PER_SECOND * BITS_PER_PIXEL);
    const recorder = new MediaRecorder(stream, { mimeType: this.kind.type, videoBitsPerSecond });
    const happens = (name: "start" | "stop" | "error"): Promise<Event> =>
      new Promise((resolve) => recorder.addEventListener(name, resolve, { once: true }));
    recorder.addEventListener("dataavailable", ({ data }) => this.keep(data));
    this.ended = happens("stop");
    const first = Promise.race([happens("start"), happens("error")]);
    recorder.start(PART_MS);
    // Chromium's starts with a new picture, and a scene of which all is seen is not drawn again.
    const again = setInterval(() => this.take(this.sheet), 1000 / FRAMES_PER_SECOND);
    const { type } = await first.finally(() => clearInterval(again));
    if (type === "error") throw new Error("The recorder does not start.");
    this.recorder = recorder;
  }

  /** Takes what the canvas shows in this frame. */
  take(canvas: HTMLCanvasElement): void {
    this.pen.drawImage(canvas, 0, 0, this.sheet.width, this.sheet.height);
  }

  /** Ends the recording; the film so far, null when there is none. */
  async end(): Promise<Blob | null> {
    const { recorder } = this;
    if (!recorder) return null;
    await new Promise((resolve) => setTimeout(resolve, 2 * (1000 / FRAMES_PER_SECOND))); // the last picture is on its way
    if (recorder.state !== "inactive") recorder.stop();
    await this.ended;
    for (const track of recorder.stream.getTracks()) track.stop();
    return this.bytes > 0 ? new Blob(this.parts, { type: recorder.mimeType }) : null;
  }

  private keep(part: Blob): void {
    this.parts.push(part);
    this.bytes += part.size;
    if (this.bytes > MAX_FILM_BYTES) this.onFull();
  }
}
