import { fromFile, open, readText, type Source } from "./download";
import { ViewerError } from "./errors";
import { readPly } from "./formats/ply";
import { BYTES, type Records } from "./formats/records";
import { readSplat } from "./formats/splat";
import { Input } from "./input";
import { MAX_MANIFEST_BYTES, MAX_PLY_BYTES, MAX_SPLAT_BYTES } from "./limits";
import { type Manifest, parseManifest, webAddress } from "./manifest";
import { MODES, type ModeName } from "./modes/mode";
import { Rig } from "./rig";
import type { Cloud } from "./scene/cloud";
import { measure } from "./scene/extent";
import type { Stage } from "./scene/stage";
import { texts } from "./texts";
import { Shell } from "./ui/shell";
import { buildWorld } from "./world";

/** Fewer Gaussians than this look worse than the poster. */
const MIN_PICTURE = 10_000;

/** Something to show: Gaussians as they arrive, and the manifest when there is one. */
interface Scene {
  readonly title: string;
  readonly manifest: Manifest | null;
  readonly source: Source;
  readonly records: Records;
  readonly expected: number | null;
}

/** Ties data, stage, rig and shell together: one scene at a time. */
export class Viewer {
  rig: Rig | null = null;
  stage: Stage | null = null;
  private readonly shell = new Shell({
    setMode: (mode) => this.setMode(mode),
    home: () => this.rig?.goHome(),
    openFile: (file) => void this.openFile(file),
    pad: (right, ahead) => (this.input.pad = [right, ahead]),
  });
  private readonly input = new Input(this.shell.canvas);
  private readonly still = matchMedia("(prefers-reduced-motion: reduce)");
  private turn = 0;

  setMode(mode: ModeName): void {
    this.rig?.setMode(mode);
    if (this.rig) this.shell.showMode(mode);
  }

  welcome(): void {
    this.shell.welcome();
  }

  /** Opens what a link names. Rejects with the error that is also shown. */
  async openManifest(address: string): Promise<void> {
    await this.attempt(async () => {
      const url = webAddress(address, new URL(location.href));
      if (!url) throw new ViewerError(...texts.errors.manifestAddress(address.slice(0, 80)));
      this.shell.progress.say(texts.loadingManifest);
      const manifest = await fetchManifest(url);
      const title = manifest.title ?? texts.untitled;
      this.shell.begin(title, manifest.thumbnailUrl);
      const source = await open(manifest.splatUrl, texts.theSplat, MAX_SPLAT_BYTES);
      return { title, manifest, source, records: readSplat(source), expected: expectedCount(source, manifest) };
    });
  }

  /** Opens a file from this computer; nothing is sent anywhere. */
  async openFile(file: File): Promise<void> {
    await this.attempt(async () => {
      const source = fromFile(file);
      const ply = /\.ply$/i.test(file.name);
      if (!ply && !/\.splat$/i.test(file.name)) throw new ViewerError(...texts.errors.unknownFile(file.name.slice(0, 80)));
      const limit = ply ? MAX_PLY_BYTES : MAX_SPLAT_BYTES;
      if (file.size > limit) throw new ViewerError(...texts.errors.tooLarge(source.what, limit / 1e6));
      const title = file.name.slice(0, 80);
      this.shell.begin(title, null);
      const expected = ply ? null : expectedCount(source, null);
      return { title, manifest: null, source, records: ply ? readPly(source) : readSplat(source), expected };
    }).catch(() => undefined); // shown on the page, and nobody else waits for it
  }

  private async attempt(prepare: () => Promise<Scene>): Promise<void> {
    const turn = ++this.turn;
    try {
      // The engine is the largest part of the page: it loads beside the data.
      const [scene, stage] = await Promise.all([prepare(), this.openStage()]);
      if (turn === this.turn) await this.show(scene, stage, turn);
    } catch (cause) {
      const error = cause instanceof ViewerError ? cause : new ViewerError(...texts.errors.unexpected);
      if (error !== cause) console.error(cause);
      if (turn === this.turn) this.shell.fail(error);
      throw error;
    }
  }

  private async show(scene: Scene, stage: Stage, turn: number): Promise<void> {
    const cloud = stage.newCloud(scene.expected);
    this.rig = null;
    if (scene.manifest?.bounds) this.enter(scene, cloud);
    for await (const batch of counted(scene, (done) => this.shell.progress.loading(done, scene.source.total))) {
      if (turn !== this.turn) return; // another scene was opened meanwhile
      cloud.append(batch);
      if (this.rig && cloud.worthShowing) this.showPart(cloud, stage, scene.expected);
    }
    if (cloud.count === 0) throw new ViewerError(...texts.errors.empty(scene.source.what));
    await this.complete(scene, cloud, stage);
  }

  /** Records come in the order of their importance, so that a fifth of them is already the scene. */
  private showPart(cloud: Cloud, stage: Stage, expected: number | null): void {
    if (cloud.count < Math.max(MIN_PICTURE, 0.2 * (expected ?? 0))) return;
    cloud.show();
    stage.changed();
    this.shell.live(this.rig!.mode);
  }

  private async complete(scene: Scene, cloud: Cloud, stage: Stage): Promise<void> {
    this.shell.progress.say(texts.preparing);
    cloud.show();
    if (!this.rig) this.enter(scene, cloud);
    this.shell.describe(scene.title, scene.manifest, cloud.count);
    await stage.settle();
    this.shell.live(this.rig!.mode);
    this.shell.progress.done();
  }

  /** Puts the camera into the scene. */
  private enter({ manifest }: Scene, cloud: Cloud): void {
    const world = buildWorld(manifest, manifest?.bounds ? null : measure(cloud.centers, cloud.count));
    this.rig = new Rig(world, startMode(manifest), this.still.matches);
    this.stage!.setScale(world.radius);
    this.stage!.place(this.rig.shown);
  }

  private async openStage(): Promise<Stage> {
    if (this.stage) return this.stage;
    const { Stage } = await import("./scene/stage");
    const stage = (this.stage ??= new Stage(this.shell.canvas));
    stage.onFrame = (seconds) => {
      const intent = this.input.take(); // also without a scene: what was done then must not move the next one
      this.rig?.update(intent, seconds, stage.fieldOfView);
      if (this.rig) stage.place(this.rig.shown);
    };
    this.shell.canvas.addEventListener("webglcontextlost", () => this.shell.fail(new ViewerError(...texts.errors.contextLost)));
    return stage;
  }
}

async function fetchManifest(url: URL): Promise<Manifest> {
  const source = await open(url, texts.theManifest, MAX_MANIFEST_BYTES);
  const text = await readText(source);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ViewerError(...texts.errors.notJson);
  }
  return parseManifest(json, url);
}

async function* counted({ source, records }: Scene, tell: (bytes: number) => void): Records {
  let done = 0;
  const ofTotal = source.total;
  tell(0);
  for await (const batch of records) {
    done += batch.byteLength;
    tell(ofTotal === null ? done : Math.min(done, ofTotal));
    yield batch;
  }
}

/** The length of the transfer is believed before the manifest's figure, which only sizes the first allocation. */
const expectedCount = (source: Source, manifest: Manifest | null): number | null =>
  (source.total === null ? manifest?.metadata.gaussians : Math.floor(source.total / BYTES)) || null;

/** SplatWalk writes “splat” for its viewer and lists the real modes apart. */
function startMode(manifest: Manifest | null): ModeName {
  const wanted = [manifest?.viewerMode, ...(manifest?.viewerModes ?? [])];
  return MODES.find((mode) => mode === wanted.find((name) => MODES.includes(name as ModeName))) ?? "orbit";
}
