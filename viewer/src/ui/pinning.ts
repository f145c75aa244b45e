import { ViewerError } from "../errors";
import { MAX_NOTE, MAX_PINS, MAX_PINS_BYTES } from "../limits";
import type { Vec2, Vec3 } from "../math";
import { texts } from "../texts/page";
import { type Pin, pinsFromJson, pinsToJson, readLink, readNote } from "../tools/pins";
import { action, el, hintOf } from "./dom";
import { crosshair, type Project } from "./overlay";
import { PinMarks } from "./pinmarks";
import { fileName, save } from "./share";

interface Actions {
  /** The marks over the scene are to be drawn anew. */
  readonly redraw: () => void;
  /** The pins themselves are others now. */
  readonly changed: () => void;
  /** Tells what was done. */
  readonly say: (words: string) => void;
  readonly visit: (place: Vec3) => void;
  /** The panel no longer needs the focus. */
  readonly leave: () => void;
}

/** Pins in the scene, listed with their notes; the chosen one unfolds to be edited. */
export class Pinning {
  readonly marks = new PinMarks();
  readonly aim = crosshair();
  pins: readonly Pin[] = [];
  private chosen: number | null = null;
  private scene = "";
  private readonly hint = el("p", {}, hintOf(texts.pins));
  private readonly list = el("ol", { class: "pin-list", "aria-label": texts.pins.list });
  private readonly problem = el("div", { class: "problem" });
  private readonly chooser = el("input", { type: "file", accept: ".json,application/json" });
  private readonly save = action(texts.pins.save, () => this.toFile());
  readonly element = el(
    "section",
    { class: "pinning aside-panel panel solid", "aria-label": texts.pins.name, hidden: true },
    el("h2", {}, texts.pins.name),
    this.hint,
    this.list,
    this.problem,
    el("div", { class: "actions" }, this.save, action(texts.pins.open, () => this.chooser.click())),
  );

  constructor(private readonly actions: Actions) {
    this.chooser.addEventListener("change", () => {
      const file = this.chooser.files?.[0];
      if (file) void this.fromFile(file);
      this.chooser.value = ""; // the same file may be chosen again
    });
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  toggle(active: boolean): void {
    this.element.hidden = this.aim.hidden = !active;
    this.complain(null);
    this.choose(active ? this.chosen : null);
  }

  /** Another scene: its pins, and what it is called. */
  use(pins: readonly Pin[], scene: string): void {
    [this.pins, this.scene] = [pins, scene];
    this.toggle(false);
  }

  draw(project: Project): void {
    this.marks.draw(this.pins, this.chosen, project);
  }

  /** Pins a place; its note is asked for. */
  add(position: Vec3 | null): void {
    if (!position) return this.actions.say(texts.pins.nothing);
    if (this.pins.length >= MAX_PINS) return this.complain(new ViewerError(...texts.pins.errors.full(MAX_PINS)));
    this.set([...this.pins, { position, note: "", link: null }], this.pins.length);
    this.list.querySelector("input")?.focus();
  }

  /** Unfolds the pin whose mark is at a place of the screen; false where none is. */
  touch(at: Vec2): boolean {
    const found = this.marks.at(at);
    if (found !== null) this.choose(found);
    return found !== null;
  }

  private set(pins: readonly Pin[], chosen: number | null): void {
    this.pins = pins;
    this.complain(null);
    this.choose(chosen);
    this.actions.changed();
  }

  private choose(index: number | null): void {
    this.chosen = index;
    this.list.replaceChildren(...this.pins.map((pin, i) => this.item(pin, i)));
    this.list.children[index ?? -1]?.scrollIntoView({ block: "nearest" });
    this.hint.hidden = this.pins.length > 0;
    this.list.hidden = this.save.hidden = this.pins.length === 0;
    this.actions.redraw();
  }

  /** Changes a pin while its fields stay as they are. */
  private change(index: number, to: Partial<Pin>): void {
    this.pins = this.pins.map((pin, i) => (i === index ? { ...pin, ...to } : pin));
    this.actions.redraw();
    this.actions.changed();
  }

  private remove(index: number): void {
    this.set(this.pins.filter((_, i) => i !== index), null);
    this.actions.say(texts.pins.removed);
    this.actions.leave();
  }

  /** The buttons carry the numbers that are in the picture. */
  private item(pin: Pin, index: number): HTMLElement {
    const open = index === this.chosen;
    const name = el("span", { dir: "auto" }, title(pin, index));
    const button = el("button", { type: "button", class: "pin-name", "aria-expanded": String(open) }, el("span", { class: "number", "aria-hidden": "true" }, String(index + 1)), name);
    button.addEventListener("click", () => {
      this.choose(open ? null : index);
      this.list.querySelectorAll<HTMLElement>(".pin-name")[index]?.focus(); // the old button is gone
      if (!open) this.actions.visit(pin.position);
    });
    return el("li", {}, button, ...(open ? [this.form(pin, index, name)] : pin.link ? [anchor(pin.link)] : []));
  }

  private form(pin: Pin, index: number, name: HTMLElement): HTMLElement {
    const { pins: words } = texts;
    const note = el("input", { type: "text", dir: "auto", maxlength: String(MAX_NOTE), value: pin.note });
    note.addEventListener("input", () => {
      this.change(index, { note: readNote(note.value) });
      name.textContent = title(this.pins[index]!, index);
    });
    const link = el("input", { type: "url", placeholder: words.linkExample, value: pin.link?.href ?? "" });
    link.addEventListener("change", () => this.setLink(index, link));
    const close = (): void => (this.choose(null), this.actions.leave());
    const done = (): void => void (this.setLink(index, link) && close());
    const buttons = [action(words.go, () => this.actions.visit(pin.position)), action(words.remove, () => this.remove(index)), action(words.done, done)];
    const form = el("div", { class: "pin-form" }, el("label", {}, words.note, note), el("label", {}, words.link, link), el("div", { class: "actions" }, ...buttons));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") (event.preventDefault(), close());
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) done();
    });
    return form;
  }

  /** What is no link stays in the field, to be mended, and the pin keeps the one that it had: false. */
  private setLink(index: number, field: HTMLInputElement): boolean {
    const url = readLink(field.value);
    const good = url !== null || field.value.trim() === "";
    field.setAttribute("aria-invalid", String(!good));
    this.complain(good ? null : new ViewerError(...texts.pins.errors.badLink));
    if (good) this.change(index, { link: url });
    return good;
  }

  /** Says what is wrong until it no longer is: null. */
  private complain(error: ViewerError | null): void {
    this.problem.replaceChildren(...(error ? [el("p", { role: "alert" }, `${error.message} ${error.hint}`)] : []));
  }

  private toFile(): void {
    save(fileName(this.scene, "pins.json"), new Blob([pinsToJson(this.pins, this.scene)], { type: "application/json" }));
    this.actions.say(texts.pins.saved);
  }

  /** Adds a file's pins to those that are there; all of them, or none and a sentence. */
  private async fromFile(file: File): Promise<void> {
    try {
      const { errors } = texts.pins;
      if (file.size > MAX_PINS_BYTES) throw new ViewerError(...errors.large(MAX_PINS_BYTES / 1e6));
      const added = pinsFromJson(await file.text());
      if (this.pins.length + added.length > MAX_PINS) throw new ViewerError(...errors.full(MAX_PINS));
      this.set([...this.pins, ...added], null);
      this.actions.say(texts.pins.added(added.length));
    } catch (error) {
      if (!(error instanceof ViewerError)) throw error;
      this.complain(error);
    }
  }
}

const title = ({ note }: Pin, index: number): string => note || texts.pins.unnamed(index + 1);

/** A stranger may have written it: it opens apart, and neither page learns of the other. */
const anchor = ({ href }: URL): HTMLElement => el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, href.replace(/^https?:\/\//, ""));
