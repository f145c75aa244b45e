import { fromAddress } from "./address";
import { Comparing } from "./comparing";
import type { Opening } from "./early";
import { inWords, ViewerError } from "./errors";
import { Immersing } from "./immersing";
import { Input } from "./input";
import { fromThisComputer, type Loading, type Subject, type Tell } from "./loading";
import type { Manifest } from "./manifest";
import type { ModeName } from "./modes/mode";
import type { Pose } from "./pose";
import { Rig } from "./rig";
import { measure } from "./scene/extent";
import type { Stage } from "./scene/stage";
import { errors } from "./texts/errors";
import { texts } from "./texts/page";
import { Toolbox } from "./toolbox";
import { isEmbedded, Shell } from "./ui/shell";
import { readWalls, type Walls } from "./walls";
import { buildWorld } from "./world";

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
    useTool: (name) => this.toolbox.toggle(name),
    copyLink: () => void this.toolbox.sharing.copyLink(),
    openFile: (file) => void this.openFile(file),
    pad: (right, ahead) => (this.input.pad = [right, ahead]),
  });
  private readonly input = new Input(this.shell.canvas);
  private readonly toolbox = new Toolbox(this.shell, {
    rig: () => this.rig,
    stage: () => this.stage,
    opened: () => this.comparing.notice.hide(), // it has the same place
  });
  private readonly comparing = new Comparing();
  private readonly immersing = new Immersing({
    rig: () => this.rig,
    offer: (kind) => this.shell.offerHeadset(kind),
    shown: (inside) => (this.toolbox.open(null), this.shell.showHeadset(inside)),
    say: (words) => this.shell.say(words),
  });
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private turn = 0;
  /** What described the scene when it came from an address. */
  private manifest: Manifest | null = null;

  constructor() {
    const { divider, notice } = this.comparing;
    this.shell.lay([...this.toolbox.panels, notice.element], ...this.toolbox.layers(divider.element));
    this.input.onTap = (x, y, double) => void this.tap(x, y, double);
    addEventListener("resize", () => this.toolbox.draw());
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
    this.toolbox.draw();
  }

  /** A tap takes a place while something is measured or pinned, else it opens a pin; a double one goes there. */
  private async tap(x: number, y: number, double: boolean): Promise<void> {
    const { rig, stage, turn } = this;
    const { measuring, photos, pinning } = this.toolbox;
    if (!rig || !stage) return;
    if (photos.touch([x, y], double)) return;
    const takes = [measuring, pinning].find((tool) => tool.active);
    if (!double && !measuring.active && !isEmbedded() && pinning.touch([x, y])) return this.toolbox.open("pins");
    if (double === (takes !== undefined)) return;
    if (takes && stage.inSecond(x)) return this.toolbox.say(texts.comparing.onlyFirst);
    const place = await stage.pick(x, y);
    if (turn !== this.turn) return; // another scene was opened meanwhile
    if (takes?.active) takes.add(place);
    else if (place && !takes) rig.visit(place);
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
    const kept = fromAddress(manifest ? location.hash : "");
    this.rig = new Rig(world, kept.place?.mode ?? world.begins, this.still.matches, kept.place?.pose);
    this.toolbox.use(title, manifest, this.rig, kept);
    this.manifest = manifest;
    this.stage!.setScale(world.radius);
    this.stage!.place(this.rig.shown);
  }

  private async openStage(): Promise<Stage> {
    if (this.stage) return this.stage;
    const { Stage } = await import("./scene/stage");
    await new Promise((resolve) => setTimeout(resolve)); // the page may draw between these two long steps
    const stage = (this.stage ??= new Stage(this.shell.canvas));
    stage.onFrame = (seconds) => {
      const intent = this.input.take(); // also without a scene: what was done then must not move the next one
      this.toolbox.filming.step(intent);
      this.rig?.update(intent, seconds, stage.fieldOfView);
      if (!this.rig) return;
      stage.place(this.rig.shown);
      this.toolbox.follow(this.rig, stage.zooming);
    };
    stage.drawing.onDrawn = () => this.toolbox.drawn();
    this.immersing.find(stage).catch(console.error); // the scene needs no headset
    this.shell.canvas.addEventListener("webglcontextlost", () => this.shell.fail(new ViewerError(...errors.contextLost)));
    return stage;
  }
}
