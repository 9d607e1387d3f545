import type { ImageInput } from "../../hanji/manifest.types.ts";
import { pixelArray } from "../../hanji/pixels.ts";
import { prepare } from "../../hanji/images.ts";
import { el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { drawPixels, toImageData } from "./pixels.ts";

/**
 * Shows the prepared image, as the model receives it, which often explains a wrong prediction.
 */
export class InputPreview {
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

  show(pixels: ImageData, input: ImageInput): void {
    const { width, height, channels } = input;
    const prepared = prepare(pixelArray(pixels), input);
    drawPixels(this.canvas, toImageData(prepared, width, height, channels));
    this.canvas.setAttribute("aria-label", this.texts.classify.seenLabel(width, height));
  }
}
