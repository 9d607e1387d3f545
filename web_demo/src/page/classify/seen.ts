import type { PictureInput } from "../../hanji/manifest.types.ts";
import { pixelArray } from "../../hanji/pixels.ts";
import { prepare } from "../../hanji/pictures.ts";
import { el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { put, shownPixels } from "./pixels.ts";

/**
 * What is left of a picture when it reaches the model: often the answer to "how could it take this for
 * a 3?"
 */
export class Seen {
  readonly element: HTMLElement;
  private readonly canvas = el("canvas", { class: "seen", role: "img" });

  constructor(private readonly texts: Texts) {
    this.element = el(
      "figure",
      { class: "seen-part" },
      this.canvas,
      el("figcaption", {}, texts.classify.seen),
    );
  }

  show(pixels: ImageData, input: PictureInput): void {
    const { width, height, channels } = input;
    const levels = prepare(pixelArray(pixels), input);
    put(this.canvas, shownPixels(levels, width, height, channels));
    this.canvas.setAttribute("aria-label", this.texts.classify.seenLabel(width, height));
  }
}
