import { open, readText } from "../download";
import { parseJson, ViewerError } from "../errors";
import { MAX_CAMERAS_BYTES } from "../limits";
import type { Vec2, Vec3 } from "../math";
import type { Pose } from "../pose";
import type { Vertical } from "../scene/lens";
import { project, type Screen } from "../screen";
import { texts } from "../texts/page";
import { type Cameras, fieldOfView, frustum, frustumDepth, laid, parseCameras, type PhotoCamera, poseOf } from "../tools/cameras";
import { action, el, hintOf, isDialogOpen, shape } from "./dom";

/** How near to a camera a tap has to be, CSS pixels. */
const REACH = 26;
/** The second tap of a double one is no wish to go elsewhere. */
const AGAIN_MS = 700;
/** The photo's longer side as an element, CSS pixels: its transform makes it as large as it has to be. */
const LONGER = 1024;
const FIRST_OPACITY = 70;

export interface Surroundings {
  /** Takes the camera to a place, and returns the pose that it will have there. */
  readonly stand: (pose: Pose) => Pose | null;
  /** Null is the usual field of view. */
  readonly look: (vertical: Vertical | null) => void;
  readonly redraw: () => void;
  readonly say: (words: string) => void;
}

interface Frustum {
  readonly camera: PhotoCamera;
  readonly places: readonly Vec3[];
}

/** Where the photos were taken: small frustums in the scene, and the photo over the splat for who stands in one. */
export class Photos {
  /** The cameras as one line, and the photo; both over the scene. */
  private readonly path = shape("path", { d: "" });
  readonly lines = shape("svg", { class: "overlay photo-cameras", "aria-hidden": "true" });
  private readonly picture = el("img", { class: "photo", alt: "", draggable: "false", decoding: "async" });
  readonly layer = el("section", { "aria-label": texts.photos.opacity, hidden: true }, this.picture);
  private readonly hint = hintOf(texts.photos);
  private readonly status = el("p", {}, this.hint);
  private readonly note = el("p", { hidden: true });
  private readonly steps = el("div", { class: "actions" });
  private readonly slider = el("input", { type: "range", min: "0", max: "100", step: "1", value: String(FIRST_OPACITY), "aria-label": texts.photos.opacity });
  private readonly share = el("span", { class: "figures" });
  private readonly fade = el("label", { class: "fade", hidden: true }, el("span", {}, texts.photos.opacity), this.share, this.slider);
  readonly element = el(
    "section",
    { class: "photos aside-panel panel solid", "aria-label": texts.photos.name, hidden: true },
    el("h2", {}, texts.photos.name),
    this.status,
    this.note,
    this.fade,
    this.steps,
  );
  private file: URL | null = null;
  private state: "absent" | "loading" | "there" = "absent";
  private frustums: readonly Frustum[] = [];
  private depth = 1;
  private radius = 1;
  /** The camera that was chosen last, and whether the person stands there. */
  private index = -1;
  private standing = false;
  private touchedAt = -Infinity;
  private view: ((place: Vec3) => Vec2 | null) | null = null;

  constructor(private readonly around: Surroundings) {
    this.lines.append(this.path);
    this.steps.append(
      action(texts.photos.previous, () => this.choose(Math.max(this.index, 0) - 1)),
      action(texts.photos.next, () => this.choose(this.index + 1)),
    );
    this.slider.addEventListener("input", () => this.fadeTo(this.slider.valueAsNumber));
    this.picture.addEventListener("error", () => this.missing());
    addEventListener("keydown", (event) => this.escape(event));
    this.fadeTo(FIRST_OPACITY);
  }

  get active(): boolean {
    return !this.element.hidden;
  }

  /** Whether the scene says where its photos were taken. */
  get offered(): boolean {
    return this.file !== null;
  }

  /** Another scene: the file that tells its cameras, and its size. */
  use(file: URL | null, radius: number): void {
    this.toggle(false);
    [this.file, this.radius, this.state] = [file, radius, "absent"];
    this.set([]);
  }

  toggle(active = !this.active): void {
    this.element.hidden = !active;
    if (!active) this.leave();
    else if (this.state === "absent") void this.load();
    this.around.redraw();
  }

  /** Follows the camera of the viewer. */
  draw(pose: Pose, screen: Screen): void {
    const { active, standing } = this;
    this.view = (place) => project(place, pose, screen);
    this.path.setAttribute("d", active && !standing ? this.frustums.map(({ places }) => wire(places.map(this.view!))).join("") : "");
    if (!this.layer.hidden) this.lay(pose, screen);
  }

  /** Goes to the camera at a place of the screen; whether the tap was for a camera. */
  touch(place: Vec2, double: boolean): boolean {
    if (!this.active || double) return this.active && performance.now() - this.touchedAt < AGAIN_MS;
    if (this.standing || !this.view) return false;
    const found = nearest(place, this.frustums, this.view);
    if (found < 0) return false;
    this.touchedAt = performance.now();
    this.choose(found);
    return true;
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.standing || isDialogOpen()) return;
    event.preventDefault();
    this.leave();
  }

  /** The person does not stand there any more: the photo is taken away, and the usual lens is back. */
  leave(): void {
    if (!this.standing) return;
    this.standing = false;
    this.layer.hidden = true;
    this.picture.removeAttribute("src");
    this.around.look(null);
    this.describe();
    this.around.redraw();
  }

  /** Stands where a photo was taken; the first follows the last. */
  private choose(index: number): void {
    const count = this.frustums.length;
    const next = ((index % count) + count) % count;
    const camera = this.frustums[next]?.camera;
    const pose = camera && this.around.stand(poseOf(camera));
    if (!pose) return;
    [this.index, this.standing] = [next, true];
    this.around.look((aspect) => fieldOfView(camera, pose, aspect));
    this.show(camera);
    this.describe();
    this.around.redraw();
    this.around.say(this.status.textContent ?? "");
  }

  private show({ photo, name, size: [width, height] }: PhotoCamera): void {
    const factor = LONGER / Math.max(width, height);
    [this.picture.style.width, this.picture.style.height] = [`${width * factor}px`, `${height * factor}px`];
    this.picture.alt = texts.photos.alt(name);
    this.layer.hidden = photo === null;
    if (photo) this.picture.src = photo.href;
    else this.picture.removeAttribute("src");
  }

  private lay(pose: Pose, screen: Screen): void {
    const { camera } = this.frustums[this.index]!;
    const factor = LONGER / Math.max(...camera.size);
    const transform = laid(camera, [camera.size[0] * factor, camera.size[1] * factor], this.depth, pose, screen);
    this.picture.style.transform = transform ?? "scale(0)";
  }

  private fadeTo(percent: number): void {
    this.picture.style.opacity = String(percent / 100);
    this.share.textContent = texts.photos.percent(percent);
    this.slider.setAttribute("aria-valuetext", texts.photos.percent(percent));
  }

  /** A nicety: its absence is no error of the scene. */
  private missing(): void {
    if (this.layer.hidden) return;
    this.layer.hidden = this.fade.hidden = true;
    this.around.say(texts.photos.missing);
  }

  private async load(): Promise<void> {
    const { file } = this;
    if (!file) return;
    this.state = "loading";
    this.status.textContent = texts.loading;
    try {
      const cameras = await fetchCameras(file);
      if (file !== this.file) return; // another scene was opened meanwhile
      this.state = "there";
      this.depth = frustumDepth(cameras.cameras, this.radius);
      this.set(cameras.cameras.map((camera) => ({ camera, places: frustum(camera, this.depth) })));
      this.tell(cameras);
    } catch (cause) {
      if (file !== this.file) return;
      this.state = "absent"; // the next press tries again
      this.status.textContent = cause instanceof ViewerError ? cause.message : texts.photos.failed;
      if (!(cause instanceof ViewerError)) console.error(cause);
      this.around.say(this.status.textContent);
    }
  }

  private set(frustums: readonly Frustum[]): void {
    this.frustums = frustums;
    this.index = -1;
    this.steps.hidden = frustums.length === 0;
    this.note.hidden = true;
    this.describe();
    this.around.redraw();
  }

  /** Says what there is not. */
  private tell({ cameras, photos }: Cameras): void {
    const { some, unpublished } = texts.photos;
    const words = [cameras.length < photos ? some(cameras.length, photos) : "", cameras.some(({ photo }) => photo) ? "" : unpublished];
    this.note.textContent = words.filter(Boolean).join(" ");
    this.note.hidden = this.note.textContent === "";
  }

  private describe(): void {
    const camera = this.standing ? this.frustums[this.index]?.camera : null;
    this.status.textContent = camera ? texts.photos.place(camera.name, this.index + 1, this.frustums.length) : this.hint;
    this.fade.hidden = !camera?.photo;
  }
}

async function fetchCameras(file: URL): Promise<Cameras> {
  const text = await readText(await open(file, texts.photos.file, MAX_CAMERAS_BYTES));
  return parseCameras(parseJson(text, new ViewerError(texts.photos.failed, "")), file);
}

/** A camera's place joined with the corners of its photo; nothing when a part of it is behind the viewer. */
function wire(places: readonly (Vec2 | null)[]): string {
  if (places.some((place) => place === null)) return "";
  const [apex, a, b, c, d] = places.map((place) => `${place![0].toFixed(1)} ${place![1].toFixed(1)}`);
  return `M${apex}L${a}L${b}L${c}L${d}L${a}M${b}L${apex}L${c}M${d}L${apex}`;
}

/** The frustum of which a part is nearest to a place of the screen; −1 where none is near. */
function nearest(place: Vec2, frustums: readonly Frustum[], view: (place: Vec3) => Vec2 | null): number {
  const away = frustums.map(({ places }) =>
    Math.min(...places.map(view).map((on) => (on ? Math.hypot(on[0] - place[0], on[1] - place[1]) : Infinity))),
  );
  const least = Math.min(...away);
  return least <= REACH ? away.indexOf(least) : -1;
}
