import type { ClassifierModel } from "../app.ts";
import { Signal } from "../signal.ts";
import type { Stroke } from "./drawing.ts";

export type Source = "draw" | "picture" | "camera";

/** A picture that was chosen, dropped, pasted or taken. */
export interface Shot {
  pixels: ImageData;
  name: string;
}

/** A classifier of the page with what it looks at. */
export interface ClassifyState {
  model: ClassifierModel;
  source: Signal<Source>;
  strokes: Signal<readonly Stroke[]>;
  shot: Signal<Shot | null>;
  /** Whether light and dark of a picture are turned around, for dark ink on white paper. */
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
