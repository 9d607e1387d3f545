import type { ClassifierModel } from "../app.ts";
import { Signal } from "../signal.ts";
import type { Stroke } from "./drawing.ts";

export type Source = "draw" | "picture" | "camera";

/** An image file that was chosen, dropped or pasted, or a photo. */
export interface Shot {
  pixels: ImageData;
  name: string;
}

/** A classifier of the page and its input. */
export interface ClassifyState {
  model: ClassifierModel;
  source: Signal<Source>;
  strokes: Signal<readonly Stroke[]>;
  shot: Signal<Shot | null>;
  /** Whether to invert the image, for dark ink on white paper. */
  inverted: Signal<boolean>;
}

export function classifyState(model: ClassifierModel): ClassifyState {
  return {
    model,
    source: new Signal<Source>("draw"),
    strokes: new Signal<readonly Stroke[]>([]),
    shot: new Signal<Shot | null>(null),
    inverted: new Signal(false),
  };
}
