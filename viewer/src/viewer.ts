import { fromAddress, toAddress } from "./address";
import { Comparing } from "./comparing";
import type { Opening } from "./early";
import { inWords, ViewerError } from "./errors";
import { Immersing } from "./immersing";
import { Input } from "./input";
import { LONG_LINK } from "./limits";
import { fromThisComputer, type Loading, type Subject, type Tell } from "./loading";
import type { Manifest } from "./manifest";
import { type ModeName, unitsPerPixel } from "./modes/mode";
import { startMode } from "./opening";
import type { Pose } from "./pose";
import { Rig } from "./rig";
import { measure } from "./scene/extent";
import type { Stage } from "./scene/stage";
import { project } from "./screen";
import { errors } from "./texts/errors";
import { texts } from "./texts/page";
import { Clipping } from "./ui/clipping";
import { MapScale } from "./ui/mapscale";
import { Measuring } from "./ui/measuring";
import { Filming } from "./ui/filming";
import { Pinning } from "./ui/pinning";
import { Photos } from "./ui/photos";
import { copy, embedCode, fileName, save } from "./ui/share";
import { Sharing } from "./ui/sharing";
import { isEmbedded, Shell } from "./ui/shell";
import { type ToolName, Tools } from "./ui/tools";
import { readWalls, type Walls } from "./walls";
import { buildWorld } from "./world";

/** A camera that stands still so long rests. */
const RESTS_MS = 400;

/** Something to show, and the manifest when there is one. */
interface Scene {
  readonly title: string;
  readonly manifest: Manifest | null;
  readonly walls: Walls | null;
  readonly load: Loading;
}

/** Ties data, stage, rig and shell together: one scene at a time. */
export class Viewer {
  rig: Rig | null = null;
  stage: Stage | null = null;
  private readonly shell = new Shell({
    setMode: (mode) => this.setMode(mode),
    home: () => this.rig?.goHome(),
    immerse: () => void this.immersing.toggle(this.still.matches),
    quicken: (steps) => this.shell.say(texts.speed(this.input.quicken(steps))),
    useTool: (name) => this.useTool(name),
    copyLink: () => void this.copyLink(),
    openFile: (file) => void this.openFile(file),
    pad: (right, ahead) => (this.input.pad = [right, ahead]),
  });
  private readonly input = new Input(this.shell.canvas);
  private readonly measuring = new Measuring(() => this.overlay(), (words) => this.shell.say(words));
  private readonly filming = new Filming({
    canvas: this.shell.canvas,
    camera: () => this.rig,
    seen: async () => this.stage?.drawing.settle(),
    keep: (extension, film) => save(fileName(this.named, extension), film),
    say: (words) => this.shell.say(words),
  });
  private readonly sharing = new Sharing(
    {
      copyLink: () => void this.copyLink(),
      copyEmbed: () => void this.copyEmbed(),
      savePicture: () => void this.savePicture(),
    },
    this.filming,
  );
  private readonly pinning = new Pinning({
    redraw: () => this.overlay(),
    changed: () => this.noteSoon(),
    say: (words) => this.shell.say(words),
    visit: (place) => this.rig?.visit(place),
    leave: () => this.shell.canvas.focus(),
  });
  private readonly clipping = new Clipping({ redraw: () => this.overlay(), changed: () => (this.clip(), this.noteSoon()) });
  private readonly photos = new Photos({
    stand: (pose) => this.stand(pose),
    look: (vertical) => this.stage?.lens.use(vertical),
    redraw: () => this.overlay(),
    say: (words) => this.shell.say(words),
  });
  private readonly tools = new Tools(
    { measure: this.measuring, pins: this.pinning, clip: this.clipping, photos: this.photos, share: this.sharing },
    (name, active) => {
      this.shell.showTool(name, active);
      if (active) this.comparing.notice.hide(); // it has the same place
    },
  );
  private readonly mapScale = new MapScale();
  private readonly comparing = new Comparing();
  private readonly immersing = new Immersing({
    rig: () => this.rig,
    offer: (kind) => this.shell.offerHeadset(kind),
    shown: (inside) => (this.tools.open(null), this.shell.showHeadset(inside)),
    say: (words) => this.shell.say(words),
  });
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private turn = 0;
  /** What the scene is called. */
  private named = "";
  /** What described the scene when it came from an address. */
  private manifest: Manifest | null = null;
  private noted: Pose | null = null;
  /** What is drawn over the scene follows with the next frame of it: between two it would be ahead, and slow down both. */
  private stale = false;
  private noteTimer = 0;

  constructor() {
    const { overlay } = this.measuring;
    const { divider, notice } = this.comparing;
    this.shell.lay([...this.tools.elements, notice.element], this.photos.layer, divider.element, this.photos.lines, this.clipping.edges, overlay.element, overlay.aim, this.pinning.marks.element, this.pinning.aim, this.mapScale.element);
    this.input.onTap = (x, y, double) => void this.tap(x, y, double);
    addEventListener("resize", () => this.overlay());
    this.input.onEnter = () => void this.tap(innerWidth / 2, innerHeight / 2, false);
  }

  /** Where the scene is seen from: by the headset, while somebody wears it. */
  get seenFrom(): Pose | null {
    return this.immersing.pose ?? this.rig?.shown ?? null;
  }

  setMode(mode: ModeName): void {
    this.rig?.setMode(mode);
    if (!this.rig) return;
    this.shell.showMode(this.rig.mode);
    this.overlay();
  }

  useTool(name: ToolName): void {
    if (this.rig && (name !== "photos" || this.photos.offered)) this.tools.toggle(name);
  }

  private stand(pose: Pose): Pose | null {
    if (!this.rig) return null;
    const goal = this.rig.stand(pose);
    if (goal) this.shell.showMode(this.rig.mode);
    return goal;
  }

  /** A tap takes a place while something is measured or pinned, else it opens a pin; a double one goes there. */
  private async tap(x: number, y: number, double: boolean): Promise<void> {
    const { rig, stage, turn, measuring, pinning } = this;
    if (!rig || !stage) return;
    if (this.photos.touch([x, y], double)) return;
    const takes = [measuring, pinning].find((tool) => tool.active);
    if (!double && !measuring.active && !isEmbedded() && pinning.touch([x, y])) return this.tools.open("pins");
    if (double === (takes !== undefined)) return;
    if (takes && stage.inSecond(x)) return this.shell.say(texts.comparing.onlyFirst);
    const place = await stage.pick(x, y);
    if (turn !== this.turn) return; // another scene was opened meanwhile
    if (takes?.active) takes.add(place);
    else if (place && !takes) rig.visit(place);
  }

  /** What is drawn over the scene follows the camera. */
  private overlay(): void {
    const { rig, stage } = this;
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
    this.stage?.clip(cuts ? { box, about: middle } : null);
    this.shell.markTool("clip", cuts);
    this.overlay();
  }

  /** Copies the address of the scene as it is seen now. */
  async copyLink(): Promise<void> {
    if (!this.hasAddress()) return;
    const { length } = location.href;
    const copied = length > LONG_LINK ? texts.linkIsLong(length) : texts.linkCopied;
    this.shell.say((await copy(location.href)) ? copied : texts.linkInAddress);
  }

  /** Copies the code that puts the scene into another page. */
  async copyEmbed(): Promise<void> {
    if (!this.hasAddress()) return;
    const { embedCopied, notCopied } = texts.sharing;
    this.shell.say((await copy(embedCode(location.href, this.named))) ? embedCopied : notCopied);
  }

  /** Saves what is on the screen, in the canvas's own pixels. */
  async savePicture(): Promise<void> {
    const picture = await this.stage?.drawing.picture();
    if (!picture) return;
    save(fileName(this.named, "png"), picture);
    this.shell.say(texts.sharing.pictureSaved);
  }

  /** Whether others can open the scene; its place is in the address then. */
  private hasAddress(): boolean {
    this.note();
    if (!this.manifest) this.shell.say(texts.sharing.onlyHere);
    return this.manifest !== null;
  }

  welcome(): void {
    this.shell.welcome();
  }

  /** Opens what a link names, and a second scene beside it. Rejects with the error that is also shown. */
  async openManifest(opening: Promise<Opening>, second: string | null): Promise<void> {
    const turn = await this.attempt(async (begin) => {
      this.shell.progress.say(texts.loadingManifest);
      const { manifest, load } = await opening;
      const title = manifest.title ?? texts.untitled;
      begin(title, manifest.thumbnailUrl);
      const walls = manifest.walls && (await readWalls(manifest.walls));
      return { title, manifest, walls, load };
    });
    if (second !== null && turn === this.turn) await this.openSecond(second, turn);
  }

  /** Opens a file from this computer; nothing is sent anywhere. */
  async openFile(file: File): Promise<void> {
    await this.attempt(async (begin) => {
      const load = fromThisComputer(file);
      const title = file.name.slice(0, 80);
      begin(title, null);
      return { title, manifest: null, walls: null, load };
    }).catch(() => undefined); // shown on the page, and nobody else waits for it
  }

  private async openSecond(address: string, turn: number): Promise<void> {
    const { progress } = this.shell;
    progress.say(texts.loadingManifest);
    const tell: Tell = (done, total) => turn === this.turn && progress.loading(done, total);
    await this.comparing.open(address, this.stage!, this.manifest!, tell).finally(() => turn === this.turn && progress.done());
  }

  /** Returns the turn; another one has begun when it is not the present one any more. */
  private async attempt(prepare: (begin: Shell["begin"]) => Promise<Scene>): Promise<number> {
    const turn = ++this.turn;
    this.comparing.close();
    let failed = false;
    const begin: Shell["begin"] = (...what) => {
      // Data that comes after an error, as without WebGL, must not hide it.
      if (turn === this.turn && !failed) this.shell.begin(...what);
    };
    try {
      // The engine is the largest part of the page: it loads beside the data.
      const [scene, stage] = await Promise.all([prepare(begin), this.openStage()]);
      if (turn === this.turn) await this.show(scene, stage, turn);
      return turn;
    } catch (cause) {
      const error = inWords(cause);
      failed = true;
      if (turn === this.turn) this.shell.fail(error);
      throw error;
    }
  }

  private async show(scene: Scene, stage: Stage, turn: number): Promise<void> {
    this.rig = null;
    stage.clip(null); // the box of the scene before
    const tell = (done: number, total: number | null): void => {
      if (turn === this.turn) this.shell.progress.loading(done, total);
    };
    let subject: Subject | null = null;
    for await (subject of scene.load(stage.first, tell)) {
      if (turn !== this.turn) return; // another scene was opened meanwhile
      if (this.rig) continue;
      this.enter(scene, subject);
      void stage.drawing.settle().then(() => turn === this.turn && this.shell.live(this.rig!.mode));
    }
    if (turn !== this.turn || !subject) return;
    this.shell.progress.finishing(texts.preparing);
    this.shell.describe(scene.title, scene.manifest, subject.count);
    await stage.drawing.settle();
    this.shell.progress.done();
  }

  /** Puts the camera into the scene. */
  private enter({ title, manifest, walls }: Scene, { centers }: Subject): void {
    const measured = manifest?.bounds ? null : measure(centers.values, centers.count);
    const world = buildWorld(manifest, measured, walls);
    const { place, pins, box } = fromAddress(manifest ? location.hash : "");
    this.rig = new Rig(world, place?.mode ?? startMode(manifest), this.still.matches, place?.pose);
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
    this.manifest = manifest;
    this.noted = this.rig.shown;
    this.stage!.setScale(world.radius);
    this.stage!.place(this.rig.shown);
  }

  /** Puts the place and the pins into the address once the camera rests, so that a reload or a copied address comes back to it. */
  private noteSoon(): void {
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => this.note(), RESTS_MS);
  }

  /** A file from this computer has no address that anybody else could open. */
  private note(): void {
    const { rig } = this;
    const [{ pins }, { box }] = [this.pinning, this.clipping];
    if (rig && this.manifest) history.replaceState(null, "", toAddress({ place: { mode: rig.mode, pose: rig.shown }, pins, box }));
  }

  private async openStage(): Promise<Stage> {
    if (this.stage) return this.stage;
    const { Stage } = await import("./scene/stage");
    await new Promise((resolve) => setTimeout(resolve)); // the page may draw between these two long steps
    const stage = (this.stage ??= new Stage(this.shell.canvas));
    stage.onFrame = (seconds) => {
      const intent = this.input.take(); // also without a scene: what was done then must not move the next one
      this.filming.step(intent);
      this.rig?.update(intent, seconds, stage.fieldOfView);
      if (!this.rig) return;
      stage.place(this.rig.shown);
      if (!this.rig.standing) this.photos.leave();
      this.stale ||= stage.zooming || this.rig.shown !== this.noted;
      if (this.rig.shown === this.noted) return;
      this.noted = this.rig.shown;
      this.noteSoon();
    };
    stage.drawing.onDrawn = () => {
      this.filming.drawn();
      if (this.stale) this.overlay();
    };
    this.immersing.find(stage).catch(console.error); // the scene needs no headset
    this.shell.canvas.addEventListener("webglcontextlost", () => this.shell.fail(new ViewerError(...errors.contextLost)));
    return stage;
  }
}
