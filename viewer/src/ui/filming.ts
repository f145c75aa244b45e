import { type Intent, moves } from "../modes/mode";
import type { Pose } from "../pose";
import { texts } from "../texts/page";
import { Film, filmKind, filmSize } from "../tools/film";
import { Pace } from "../tools/pace";
import { Path } from "../tools/path";
import { action, el } from "./dom";

const SECONDS = [5, 10, 20] as const;
const MAX_STOPS = 20;

/** What a film is made of. */
export interface Studio {
  readonly canvas: HTMLCanvasElement;
  /** Null without a scene. */
  readonly camera: () => { readonly shown: Pose; readonly unit: number; lead(pose: Pose | null): void } | null;
  /** Resolves when all that is seen is on the canvas. */
  readonly seen: () => Promise<void>;
  readonly keep: (extension: string, film: Blob) => void;
  readonly say: (words: string) => void;
}

/** A flight along the path; it goes once the camera is at the first stop and the recorder runs, and until the last stop. */
interface Flight {
  readonly path: Path;
  readonly pace: Pace;
  readonly film: Film | null;
  goes: boolean;
}

/** A path of the camera through views that the person added, flown for a look or recorded as a video. */
export class Filming {
  private stops: readonly Pose[] = [];
  private flight: Flight | null = null;
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly kind = filmKind();
  private readonly list = el("ol", {});
  private readonly length = el("select", {}, ...SECONDS.map((n) => el("option", { value: String(n) }, texts.filming.seconds(n))));
  private readonly add = action(texts.filming.add, () => this.addStop());
  private readonly preview = action(texts.filming.preview, () => this.begin(null));
  private readonly record = action(texts.filming.record, () => void this.shoot());
  private readonly end = action(texts.filming.end, () => this.stop());
  private readonly words = el("p", {});
  private readonly fields = el(
    "div",
    { role: "group", "aria-label": texts.filming.name },
    this.list,
    el("label", {}, texts.filming.length, this.length),
    el("div", { class: "actions" }, this.add),
    el("div", { class: "actions" }, this.preview, ...(this.kind ? [this.record] : [])),
  );
  /** Unfolds the rest. */
  readonly opener = action(texts.filming.name, () => this.unfold(this.element.hidden === true));
  readonly element = el(
    "div",
    { class: "filming", hidden: true },
    el("p", {}, texts.filming.hint),
    this.fields,
    this.words,
    el("div", { class: "actions" }, this.end),
  );

  constructor(private readonly studio: Studio) {
    if (!this.kind) this.fields.append(el("p", {}, texts.filming.unable));
    addEventListener("keydown", (event) => this.escape(event));
    addEventListener("resize", () => this.interrupt(texts.filming.interrupted));
    document.addEventListener("visibilitychange", () => this.interrupt(texts.filming.interrupted));
    this.unfold(false);
    this.set([]);
  }

  /** Another scene: its path is empty, and what was being filmed is over. */
  reset(): void {
    void this.flight?.film?.end();
    this.flight = null;
    this.set([]);
  }

  /** Once in every turn of the page: moves the camera on. */
  step(intent: Intent): void {
    const { flight } = this;
    if (!flight?.goes) return;
    if (!flight.film && moves(intent)) return this.stop(); // whoever takes hold of the scene has seen enough
    const { path, pace } = flight;
    const share = pace.share(performance.now());
    this.studio.camera()?.lead(!flight.film && this.still.matches ? path.still(share) : path.at(share));
    this.tell(flight, share);
    if (share === 1) void this.arrive(flight);
  }

  /** A frame is on the canvas. */
  drawn(): void {
    this.flight?.film?.take(this.studio.canvas);
  }

  /** Ends the flight; what was recorded until now is kept. */
  stop(): void {
    if (this.flight) void this.land(texts.filming.stopped);
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.flight) return;
    event.preventDefault();
    this.stop();
  }

  /** A window of another shape, or one that nobody sees and that draws nothing, is no film any more. */
  private interrupt(words: string): void {
    if (this.flight?.film) void this.land(words);
  }

  private unfold(open: boolean): void {
    this.element.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
  }

  private async shoot(): Promise<void> {
    const { canvas, seen } = this.studio;
    const ratio = Math.min(devicePixelRatio, 2);
    const size = filmSize(canvas.clientWidth * ratio, canvas.clientHeight * ratio);
    const film = new Film(this.kind!, size, () => this.interrupt(texts.filming.tooLarge));
    const flight = this.begin(film);
    if (!flight) return;
    await seen();
    if (flight !== this.flight) return;
    const runs = await film.start().then(() => true, () => false);
    if (flight !== this.flight) return void film.end();
    if (runs) flight.goes = true;
    else void this.land(texts.filming.failed);
  }

  /** Brings the camera to the first stop; a film begins when it is sharp there. */
  private begin(film: Film | null): Flight | null {
    const camera = this.studio.camera();
    if (!camera || this.flight || this.stops.length < 2) return null;
    const path = new Path(this.stops, camera.unit);
    this.flight = { path, film, pace: new Pace(Number(this.length.value)), goes: !film };
    camera.lead(path.at(0));
    this.show();
    this.tell(this.flight, 0);
    this.end.focus();
    return this.flight;
  }

  /** The last view is in the film too, and sharp. */
  private async arrive(flight: Flight): Promise<void> {
    flight.goes = false;
    await this.studio.seen();
    if (flight === this.flight) await this.land(texts.filming.saved);
  }

  private async land(words: string): Promise<void> {
    const { film } = this.flight!;
    const focused = document.activeElement === this.end;
    this.flight = null;
    this.studio.camera()?.lead(null);
    this.show();
    if (focused) (film ? this.record : this.preview).focus();
    if (!film) return;
    const made = await film.end();
    if (made) this.studio.keep(film.kind.extension, made);
    this.studio.say(made || words === texts.filming.failed ? words : texts.filming.nothing);
  }

  private addStop(): void {
    const camera = this.studio.camera();
    if (!camera) return;
    if (this.stops.length >= MAX_STOPS) return this.studio.say(texts.filming.full(MAX_STOPS));
    this.set([...this.stops, camera.shown]);
  }

  private remove(index: number): void {
    this.set(this.stops.filter((_, i) => i !== index));
    const left = this.list.querySelectorAll("button");
    (left[Math.min(index, left.length - 1)] ?? this.add).focus(); // the button with the focus is gone
  }

  private set(stops: readonly Pose[]): void {
    this.stops = stops;
    const row = (i: number): HTMLElement => {
      const remove = action(texts.filming.remove, () => this.remove(i));
      remove.setAttribute("aria-label", texts.filming.removeStop(i + 1));
      return el("li", {}, el("span", {}, texts.filming.stop(i + 1)), remove);
    };
    this.list.replaceChildren(...stops.map((_, i) => row(i)));
    this.show();
  }

  private show(): void {
    const { flight, stops } = this;
    this.list.hidden = stops.length === 0;
    this.preview.disabled = this.record.disabled = stops.length < 2;
    this.fields.hidden = flight !== null; // the scene has the room now
    this.end.hidden = flight === null;
    if (!flight) this.words.textContent = stops.length < 2 ? texts.filming.few : "";
  }

  private tell({ film, pace: { seconds } }: Flight, share: number): void {
    const { recording, previewing } = texts.filming;
    const words = (film ? recording : previewing)(Math.floor(share * seconds), seconds);
    if (this.words.textContent !== words) this.words.textContent = words;
  }
}
