import { type Immersive, immersive } from "./headset";
import type { Pose } from "./pose";
import type { Rig } from "./rig";
import type { Headset } from "./scene/headset";
import type { Stage } from "./scene/stage";
import { texts } from "./texts/page";

interface Around {
  readonly rig: () => Rig | null;
  /** What a headset can do; null takes the control away. */
  readonly offer: (kind: Immersive | null) => void;
  /** Somebody enters or leaves. */
  readonly shown: (inside: boolean) => void;
  readonly say: (words: string) => void;
}

/** The scene in a headset, where the device has one; what draws for it is loaded only there. */
export class Immersing {
  private headset: Headset | null = null;
  private inside = false;

  constructor(private readonly around: Around) {}

  /** Where somebody is in the scene; null while nobody is. */
  get pose(): Pose | null {
    return this.headset?.pose ?? null;
  }

  /** Looks for a headset, now and whenever one is plugged in or out. */
  async find(stage: Stage): Promise<void> {
    const look = async (): Promise<void> => {
      const kind = await immersive();
      if (this.inside) return; // it has begun to be used
      if (kind && kind !== this.headset?.kind) this.headset = await headsetFor(stage, kind);
      this.around.offer(kind);
    };
    navigator.xr?.addEventListener("devicechange", () => void look());
    await look();
  }

  /** Enters the scene where the camera is, or leaves it. */
  async toggle(still: boolean): Promise<void> {
    const { headset, around } = this;
    const rig = around.rig();
    if (this.inside) return headset?.end();
    if (!headset || !rig) return;
    this.show(true);
    around.say(texts.headset.entering);
    try {
      await headset.wear({ world: rig.world, mode: rig.mode, pose: rig.shown, still });
    } catch (cause) {
      console.error(cause);
      around.say(texts.headset.failed);
    } finally {
      this.show(false);
    }
  }

  private show(inside: boolean): void {
    this.inside = inside;
    this.around.shown(inside);
  }
}

async function headsetFor(stage: Stage, kind: Immersive): Promise<Headset> {
  const { Headset } = await import("./scene/headset");
  return stage.prepare((app, side) => Headset.of(kind, stage, app, side));
}
