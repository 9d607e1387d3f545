import { HanjiError } from "../../hanji/errors.ts";
import type { Answer } from "../../hanji/types.ts";
import { Signal } from "../signal.ts";
import { rasterized } from "./drawing.ts";
import { inverted } from "./pixels.ts";
import type { ClassifyState } from "./state.ts";

export type ClassifyOutcome =
  | { kind: "empty" }
  | { kind: "result"; answer: Answer; pixels: ImageData }
  | { kind: "failed"; error: unknown };

const COUNT = 5;

/** The current input image, or null if there is none. */
export function currentImage(state: ClassifyState): ImageData | null {
  if (state.source.value === "draw") {
    const strokes = state.strokes.value;
    return strokes.length > 0 ? rasterized(strokes) : null;
  }
  const shot = state.shot.value;
  if (!shot) return null;
  return state.inverted.value ? inverted(shot.pixels) : shot.pixels;
}

/** Classifies the current image whenever it changes, one call at a time. */
export class ClassifyRunner {
  readonly outcome = new Signal<ClassifyOutcome>({ kind: "empty" });
  private busy = false;
  private outdated = false;

  constructor(
    private readonly state: ClassifyState,
    private readonly language: string,
  ) {}

  /** Classifies now, or after the running call. */
  async update(): Promise<void> {
    this.outdated = true;
    if (this.busy) return;
    this.busy = true;
    while (this.outdated) {
      this.outdated = false;
      this.outcome.set(await this.classify());
    }
    this.busy = false;
  }

  private async classify(): Promise<ClassifyOutcome> {
    const open = this.state.model.state.value;
    const pixels = open.kind === "ready" ? currentImage(this.state) : null;
    if (open.kind !== "ready" || !pixels) return { kind: "empty" };
    const options = this.language in open.remote.names ? { language: this.language } : {};
    try {
      const answer = await open.remote.answer(pixels, COUNT, options);
      return { kind: "result", answer, pixels };
    } catch (error) {
      // If the model was closed and replaced, its replacement triggers another update.
      const closed = error instanceof HanjiError && open !== this.state.model.state.value;
      return closed ? this.outcome.value : { kind: "failed", error };
    }
  }
}
