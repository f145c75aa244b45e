import { inWords, type ViewerError } from "./errors";
import { HALF } from "./limits";
import { fromManifest, type Tell } from "./loading";
import type { Manifest } from "./manifest";
import { readManifest } from "./opening";
import type { Stage } from "./scene/stage";
import { texts } from "./texts/page";
import { metresApart } from "./tools/geo";
import { Divider, Notice } from "./ui/divider";

/** Origins that are nearer than this are the same, metres. */
const SAME_ORIGIN = 0.01;

/** A second scene, right of a divider, seen by the same camera. The first one needs nothing of it. */
export class Comparing {
  readonly divider = new Divider((at) => this.stage?.divide(at));
  readonly notice = new Notice();
  private stage: Stage | null = null;
  private turn = 0;

  /** Opens a second scene beside the one that is on the stage. Rejects with the error that is also shown. */
  async open(address: string, stage: Stage, first: Manifest, tell: Tell): Promise<void> {
    const turn = ++this.turn;
    this.stage = stage;
    try {
      const second = await readManifest(address);
      if (turn === this.turn) await this.show(first, second, tell, turn);
    } catch (cause) {
      const error = inWords(cause);
      if (turn === this.turn) this.fail(error);
      throw error;
    }
  }

  /** The stage belongs to one scene again. */
  close(): void {
    this.turn++;
    this.divider.hide();
    this.notice.hide();
    this.stage?.closeSecond();
  }

  /** The divider comes with the first picture of the second scene. */
  private async show(first: Manifest, second: Manifest, tell: Tell, turn: number): Promise<void> {
    const stage = this.stage!;
    const side = stage.openSecond();
    for await (const _ of fromManifest(second, HALF)(side, tell)) {
      await stage.drawing.settle();
      if (turn !== this.turn) return; // another scene was opened meanwhile
      if (!this.divider.shown) this.divider.show(first.title ?? texts.untitled, second.title ?? texts.untitled);
    }
    const words = difference(first, second);
    if (words) this.notice.say(words);
  }

  private fail(error: ViewerError): void {
    this.close();
    this.notice.error(error);
  }
}

/** Why the same place is not at the same spot in both; null where nothing is known against it. */
function difference({ metadata: a }: Manifest, { metadata: b }: Manifest): string | null {
  if ((a.metric === true) !== (b.metric === true)) return texts.comparing.scales;
  const apart = a.georeference && b.georeference ? metresApart(a.georeference, b.georeference) : 0;
  return apart > SAME_ORIGIN ? texts.comparing.origins(apart) : null;
}
