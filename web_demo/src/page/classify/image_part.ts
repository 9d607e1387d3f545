import { announce } from "../announce.ts";
import { Cleanups } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { drawPixels, inverted, pixelsOf } from "./pixels.ts";
import type { ClassifyState, Shot } from "./state.ts";

/** The source for image files: chosen, dropped or pasted. */
export class ImagePart {
  readonly element: HTMLElement;
  readonly cleanups = new Cleanups();
  private readonly problem = el("p", { class: "notice bad", role: "alert", hidden: true });

  constructor(
    private readonly texts: Texts,
    private readonly state: ClassifyState,
  ) {
    const words = texts.classify;
    const stage = el("div", { class: "stage drop" });
    const fileInput = this.fileInput();
    this.element = el(
      "div",
      { class: "stage-part" },
      stage,
      this.problem,
      el(
        "div",
        { class: "buttons" },
        button(words.choose, () => fileInput.click(), { kind: "primary", id: "choose" }),
        fileInput,
      ),
      invertSwitch(state, texts, this.cleanups),
    );
    this.acceptDrops(stage);
    const show = (): void => fill(stage, shotOrHint(state, texts));
    this.cleanups.add(state.shot.subscribe(show), state.inverted.subscribe(show));
    const paste = (event: ClipboardEvent): void => this.pasted(event);
    document.addEventListener("paste", paste);
    this.cleanups.add(() => document.removeEventListener("paste", paste));
  }

  /** Reads an image file and makes it the current image. */
  async load(file: File): Promise<void> {
    try {
      const pixels = await pixelsOf(file);
      this.problem.hidden = true;
      this.state.shot.set({ pixels, name: file.name });
      announce(this.texts.classify.dropped(file.name));
    } catch {
      this.problem.textContent = this.texts.classify.notAnImage(file.name);
      this.problem.hidden = false;
    }
  }

  private fileInput(): HTMLInputElement {
    const input: HTMLInputElement = el("input", {
      type: "file",
      accept: "image/*",
      id: "file",
      hidden: true,
      onchange: () => {
        const file = input.files?.[0];
        if (file) void this.load(file);
        input.value = "";
      },
    });
    return input;
  }

  private acceptDrops(stage: HTMLElement): void {
    stage.addEventListener("dragover", (event) => {
      event.preventDefault();
      stage.classList.add("over");
    });
    stage.addEventListener("dragleave", () => stage.classList.remove("over"));
    stage.addEventListener("drop", (event) => {
      event.preventDefault();
      stage.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file) void this.load(file);
    });
  }

  private pasted(event: ClipboardEvent): void {
    const file = event.clipboardData?.files[0];
    if (file && this.state.source.value === "picture" && this.element.isConnected) void this.load(file);
  }
}

function shotOrHint(state: ClassifyState, texts: Texts): HTMLElement {
  const shot = state.shot.value;
  return shot
    ? shotCanvas(shot, state.inverted.value, texts)
    : el("p", { class: "hint" }, texts.classify.drop);
}

/** A canvas with the chosen file or photo, inverted if requested. */
export function shotCanvas(shot: Shot, invert: boolean, texts: Texts): HTMLCanvasElement {
  const canvas = el("canvas", {
    class: "shot",
    role: "img",
    "aria-label": texts.classify.dropped(shot.name),
  });
  drawPixels(canvas, invert ? inverted(shot.pixels) : shot.pixels);
  return canvas;
}

export function invertSwitch(state: ClassifyState, texts: Texts, cleanups: Cleanups): HTMLElement {
  const box: HTMLInputElement = el("input", {
    type: "checkbox",
    class: "invert",
    onchange: () => state.inverted.set(box.checked),
  });
  cleanups.add(state.inverted.subscribe((value) => (box.checked = value)));
  return el("label", { class: "switch" }, box, el("span", {}, texts.classify.invert));
}
