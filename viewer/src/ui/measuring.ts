import type { Vec3 } from "../math";
import { texts } from "../texts/page";
import { type Geodetic, type Georeference, toUtm, toWgs84 } from "../tools/geo";
import { type Figures, figures, toCsv } from "../tools/measure";
import { action, el, hintOf } from "./dom";
import { Overlay, type Project } from "./overlay";
import { copy, save } from "./share";

/**
 * The tape measure: places that were picked, their figures, and ways to take them along. In a small window it is
 * folded to the figures that one measures for, until asked for more: the scene is what is touched.
 */
export class Measuring {
  readonly overlay = new Overlay();
  private places: readonly Vec3[] = [];
  private metric = false;
  private origin: Georeference | null = null;
  private readonly list = el("dl", {});
  private readonly hint = el("p", {}, hintOf(texts.measure));
  private readonly tools = el("div", { class: "actions" });
  private readonly more = action(texts.measure.more, () => this.fold(!this.folded), "narrow");
  readonly element = el(
    "section",
    { class: "measuring aside-panel panel solid", "aria-label": texts.measure.name, hidden: true },
    el("h2", {}, texts.measure.name),
    this.hint,
    this.list,
    this.tools,
  );

  /** `changed`: the line over the scene is to be drawn anew; `say` tells what was done. */
  constructor(
    private readonly changed: () => void,
    private readonly say: (words: string) => void,
  ) {
    const { measure: words } = texts;
    this.tools.append(
      action(words.undo, () => this.set(this.places.slice(0, -1))),
      action(words.clear, () => this.set([])),
      action(words.copy, () => void copy(this.words()).then((done) => this.say(done ? words.copied : words.notCopied)), "more"),
      action(words.csv, () => save("measure.csv", new Blob([toCsv(this.places, this.unit, this.earth)], { type: "text/csv" })), "more"),
      this.more,
    );
    this.fold(true);
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  private get folded(): boolean {
    return this.element.classList.contains("folded");
  }

  private fold(folded: boolean): void {
    this.element.classList.toggle("folded", folded);
    this.more.setAttribute("aria-expanded", String(!folded));
    this.more.textContent = folded ? texts.measure.more : texts.measure.less;
  }

  /** Starts, with an empty tape, or stops. */
  toggle(active: boolean): void {
    this.element.hidden = this.overlay.aim.hidden = !active;
    this.set([]);
  }

  /** Metres, and places on the earth, are said only where the scene's maker knew them. */
  use(metric: boolean, origin: Georeference | null): void {
    this.metric = metric;
    this.origin = origin;
    this.toggle(false);
  }

  add(place: Vec3 | null): void {
    if (place) this.set([...this.places, place]);
    else this.say(texts.measure.nothing);
    const found = figures(this.places);
    if (place && found) this.say(texts.measure.said(this.length(found.distance)));
  }

  draw(project: Project): void {
    this.overlay.draw(this.places, project);
  }

  private set(places: readonly Vec3[]): void {
    this.places = places;
    const rows = this.rows();
    this.list.replaceChildren(...rows.flatMap((row, i) => line(row, i === 0 || row[0] === texts.measure.area)));
    this.hint.hidden = this.list.childElementCount > 0;
    this.list.hidden = rows.length === 0;
    this.tools.hidden = places.length === 0;
    this.changed();
  }

  private rows(): readonly Row[] {
    const found = figures(this.places);
    const measured = found ? rows(found, (value) => this.length(value), (value) => this.area(value)) : [];
    const last = this.places.at(-1);
    return last && this.earth ? [...measured, ...located(this.earth(last), this.origin?.epsg ?? null)] : measured;
  }

  /** Where a place is on the earth, in a scene that knows. */
  private get earth(): ((place: Vec3) => Geodetic) | null {
    const { origin } = this;
    return origin && ((place) => toWgs84(place, origin));
  }

  private words(): string {
    return this.rows().map(([label, value]) => `${label}: ${value}`).join("\n");
  }

  private get unit(): string {
    return this.metric ? texts.measure.metre : texts.measure.unit;
  }

  private length(value: number): string {
    return texts.measure.length(value, this.unit);
  }

  private area(value: number): string {
    return this.metric ? texts.measure.squareMetres(value) : texts.measure.squareUnits(value);
  }
}

type Say = (value: number) => string;
type Row = readonly [label: string, value: string];

/** `brief`: also in a panel that is folded. */
function line([label, value]: Row, brief: boolean): readonly HTMLElement[] {
  const kind = brief ? "" : "more";
  return [el("dt", { class: kind }, label), el("dd", { class: kind }, value)];
}

function rows(found: Figures, length: Say, area: Say): readonly Row[] {
  const { measure: words } = texts;
  const lines = [
    [words.distance, length(found.distance)],
    [words.level, length(found.level)],
    [words.height, length(found.height)],
    [words.slope, words.degrees(found.slope)],
  ] as const;
  if (found.area === null || found.levelArea === null) return lines;
  return [...lines, [words.area, area(found.area)], [words.levelArea, area(found.levelArea)]];
}

function located(place: Geodetic, epsg: number | null): readonly Row[] {
  const { place: words, measure } = texts;
  const utm = epsg === null ? null : toUtm(place, epsg);
  const grid = utm ? [[words.utm, words.grid(utm.zone, utm.north, utm.easting, utm.northing)] as const] : [];
  return [
    [words.name, words.degrees(place.latitude, place.longitude)],
    ...grid,
    [words.altitude, measure.length(place.altitude, measure.metre)],
  ];
}
