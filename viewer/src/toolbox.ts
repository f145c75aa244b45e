import { Address, type Kept, type Seen } from "./address";
import type { Manifest } from "./manifest";
import { unitsPerPixel } from "./modes/mode";
import type { Pose } from "./pose";
import type { Rig } from "./rig";
import type { Stage } from "./scene/stage";
import { project } from "./screen";
import { Clipping } from "./ui/clipping";
import { Filming } from "./ui/filming";
import { MapScale } from "./ui/mapscale";
import { Measuring } from "./ui/measuring";
import { Photos } from "./ui/photos";
import { Pinning } from "./ui/pinning";
import { fileName, save } from "./ui/share";
import { Sharing } from "./ui/sharing";
import type { Shell } from "./ui/shell";
import { type ToolName, Tools } from "./ui/tools";

interface Around {
  readonly rig: () => Rig | null;
  readonly stage: () => Stage | null;
  /** A tool's panel is there now. */
  readonly opened: () => void;
}

/** The tools of a scene, what they draw over it, and the address, which keeps what was done with some of them. */
export class Toolbox {
  readonly measuring = new Measuring(() => this.draw(), (words) => this.say(words));
  readonly pinning = new Pinning({
    redraw: () => this.draw(),
    changed: () => this.address.noteSoon(),
    say: (words) => this.say(words),
    visit: (place) => this.around.rig()?.visit(place),
    leave: () => this.shell.canvas.focus(),
  });
  private readonly clipping = new Clipping({ redraw: () => this.draw(), changed: () => (this.clip(), this.address.noteSoon()) });
  readonly photos = new Photos({
    stand: (pose) => this.stand(pose),
    look: (vertical) => this.around.stage()?.lens.use(vertical),
    redraw: () => this.draw(),
    say: (words) => this.say(words),
  });
  readonly filming: Filming;
  readonly sharing: Sharing;
  private readonly tools: Tools;
  private readonly mapScale = new MapScale();
  private readonly address = new Address(() => this.seen);
  /** What the scene is called. */
  private named = "";
  /** Whether others can open the scene: it came from an address. */
  private shared = false;
  private noted: Pose | null = null;
  /** What is drawn over the scene follows with the next frame of it: between two it would be ahead, and slow down both. */
  private stale = false;

  constructor(
    private readonly shell: Shell,
    private readonly around: Around,
  ) {
    this.filming = new Filming({
      canvas: shell.canvas,
      camera: around.rig,
      seen: async () => around.stage()?.drawing.settle(),
      keep: (extension, film) => save(fileName(this.named, extension), film),
      say: (words) => this.say(words),
    });
    this.sharing = new Sharing(
      {
        title: () => this.named,
        note: () => this.address.note(),
        picture: async () => around.stage()?.drawing.picture(),
        say: (words) => this.say(words),
      },
      this.filming,
    );
    this.tools = new Tools(
      { measure: this.measuring, pins: this.pinning, clip: this.clipping, photos: this.photos, share: this.sharing },
      (name, active) => {
        shell.showTool(name, active);
        if (active) around.opened();
      },
    );
  }

  get panels(): readonly HTMLElement[] {
    return this.tools.elements;
  }

  /** What is laid over the picture, from below; the divider of two scenes comes between. */
  layers(divider: Element): readonly Element[] {
    const { photos, clipping, pinning, mapScale } = this;
    const { overlay } = this.measuring;
    return [photos.layer, divider, photos.lines, clipping.edges, overlay.element, overlay.aim, pinning.marks.element, pinning.aim, mapScale.element];
  }

  /** Tells something, which goes with the panel that is open. */
  say(words: string): void {
    this.shell.say(words, this.tools.opened);
  }

  toggle(name: ToolName): void {
    if (this.around.rig() && (name !== "photos" || this.photos.offered)) this.tools.toggle(name);
  }

  /** Opens one and closes the others; null closes all. */
  open(name: ToolName | null): void {
    this.tools.open(name);
  }

  /** Another scene, seen by a rig of its own, and the pins and the box that its address keeps. */
  use(title: string, manifest: Manifest | null, { world, shown }: Rig, { pins, box }: Kept): void {
    const { metric = null, georeference = null } = manifest?.metadata ?? {};
    this.mapScale.use(metric === true, georeference !== null);
    this.measuring.use(metric === true, georeference); // draws what is over the scene, the scale too
    this.filming.reset();
    this.tools.open(null);
    this.photos.use(manifest?.camerasUrl ?? null, world.radius);
    this.shell.offerTool("photos", this.photos.offered);
    this.pinning.use(pins, title);
    this.clipping.use(box, world.min, world.max, metric === true);
    this.clip();
    this.named = title;
    this.shared = manifest !== null;
    this.sharing.use(this.shared);
    this.noted = shown;
  }

  /** Once in every turn of the page: the camera is where the rig has it now. */
  follow(rig: Rig, zooming: boolean): void {
    if (!rig.standing) this.photos.leave();
    this.stale ||= zooming || rig.shown !== this.noted;
    if (rig.shown === this.noted) return;
    this.noted = rig.shown;
    this.address.noteSoon();
  }

  /** A frame is on the canvas. */
  drawn(): void {
    this.filming.drawn();
    if (this.stale) this.draw();
  }

  /** What is drawn over the scene follows the camera. */
  draw(): void {
    const [rig, stage] = [this.around.rig(), this.around.stage()];
    if (!rig || !stage) return;
    this.stale = false;
    const [view, pose] = [stage.fieldOfView, rig.shown];
    for (const tool of [this.clipping, this.measuring, this.pinning]) tool.draw((place) => project(place, pose, view));
    this.photos.draw(pose, view);
    this.mapScale.show(pose, rig.mode === "topdown" ? unitsPerPixel(view, rig.height) : null);
  }

  /** Draws the part of the scene that is inside the box. */
  private clip(): void {
    const { box, cuts, middle } = this.clipping;
    this.around.stage()?.clip(cuts ? { box, about: middle } : null);
    this.shell.markTool("clip", cuts);
    this.draw();
  }

  private stand(pose: Pose): Pose | null {
    const rig = this.around.rig();
    if (!rig) return null;
    const goal = rig.stand(pose);
    if (goal) this.shell.showMode(rig.mode);
    return goal;
  }

  /** What the address keeps. A file from this computer has none that anybody else could open. */
  private get seen(): Seen | null {
    const rig = this.around.rig();
    const [{ pins }, { box }] = [this.pinning, this.clipping];
    if (!rig || !this.shared) return null;
    return { place: { mode: rig.mode, pose: rig.shown }, pins, box };
  }
}
