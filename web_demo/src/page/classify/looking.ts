import { HanjiError } from "../../hanji/errors.ts";
import type { Classification } from "../../hanji/types.ts";
import { Signal } from "../signal.ts";
import { rasterized } from "./drawing.ts";
import { inverted } from "./pixels.ts";
import type { ClassifyState } from "./state.ts";

export type Look =
  | { kind: "empty" }
  | { kind: "answer"; classification: Classification; pixels: ImageData }
  | { kind: "failed"; error: unknown };

const COUNT = 5;

/** What the model is shown now, or null for an empty board. */
export function pixelsToSee(state: ClassifyState): ImageData | null {
  if (state.source.value === "draw") {
    const strokes = state.strokes.value;
    return strokes.length > 0 ? rasterized(strokes) : null;
  }
  const shot = state.shot.value;
  if (!shot) return null;
  return state.inverted.value ? inverted(shot.pixels) : shot.pixels;
}

/** Lets the model look at what there is to see, again and again while somebody draws, one look at a time. */
export class Looking {
  readonly look = new Signal<Look>({ kind: "empty" });
  private busy = false;
  private waiting = false;

  constructor(
    private readonly state: ClassifyState,
    private readonly language: string,
  ) {}

  /** Looks now, or once the look that is under way has ended. */
  async again(): Promise<void> {
    this.waiting = true;
    if (this.busy) return;
    this.busy = true;
    while (this.waiting) {
      this.waiting = false;
      this.look.set(await this.once());
    }
    this.busy = false;
  }

  private async once(): Promise<Look> {
    const open = this.state.model.state.value;
    const pixels = open.kind === "ready" ? pixelsToSee(this.state) : null;
    if (open.kind !== "ready" || !pixels) return { kind: "empty" };
    const options = this.language in open.remote.names ? { language: this.language } : {};
    try {
      return { kind: "answer", classification: await open.remote.classify(pixels, COUNT, options), pixels };
    } catch (error) {
      // A model that was closed for a newer one: that one looks again when it is there.
      const closed = error instanceof HanjiError && open !== this.state.model.state.value;
      return closed ? this.look.value : { kind: "failed", error };
    }
  }
}
