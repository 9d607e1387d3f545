import { announce } from "../announce.ts";
import { Ends } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { inverted, pixelsOf, put } from "./pixels.ts";
import type { ClassifyState, Shot } from "./state.ts";

/** A picture that is chosen, dropped or pasted. */
export class PicturePart {
  readonly element: HTMLElement;
  readonly ends = new Ends();
  private readonly problem = el("p", { class: "notice bad", role: "alert", hidden: true });

  constructor(
    private readonly texts: Texts,
    private readonly state: ClassifyState,
  ) {
    const words = texts.classify;
    const stage = el("div", { class: "stage drop" });
    const choose = this.chooser();
    this.element = el(
      "div",
      { class: "stage-part" },
      stage,
      this.problem,
      el(
        "div",
        { class: "buttons" },
        button(words.choose, () => choose.click(), { kind: "primary", id: "choose" }),
        choose,
      ),
      invertSwitch(state, texts, this.ends),
    );
    this.takeDrops(stage);
    const show = (): void => fill(stage, shotOrHint(state, texts));
    this.ends.add(state.shot.follow(show), state.inverted.follow(show));
    const paste = (event: ClipboardEvent): void => this.pasted(event);
    document.addEventListener("paste", paste);
    this.ends.add(() => document.removeEventListener("paste", paste));
  }

  /** Reads a picture file and lets the model look at it. */
  async take(file: File): Promise<void> {
    try {
      const pixels = await pixelsOf(file);
      this.problem.hidden = true;
      this.state.shot.set({ pixels, name: file.name });
      announce(this.texts.classify.dropped(file.name));
    } catch {
      this.problem.textContent = this.texts.classify.notAPicture(file.name);
      this.problem.hidden = false;
    }
  }

  private chooser(): HTMLInputElement {
    const input: HTMLInputElement = el("input", {
      type: "file",
      accept: "image/*",
      id: "file",
      hidden: true,
      onchange: () => {
        const file = input.files?.[0];
        if (file) void this.take(file);
        input.value = "";
      },
    });
    return input;
  }

  private takeDrops(stage: HTMLElement): void {
    stage.addEventListener("dragover", (event) => {
      event.preventDefault();
      stage.classList.add("over");
    });
    stage.addEventListener("dragleave", () => stage.classList.remove("over"));
    stage.addEventListener("drop", (event) => {
      event.preventDefault();
      stage.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file) void this.take(file);
    });
  }

  private pasted(event: ClipboardEvent): void {
    const file = event.clipboardData?.files[0];
    if (file && this.state.source.value === "picture" && this.element.isConnected) void this.take(file);
  }
}

function shotOrHint(state: ClassifyState, texts: Texts): HTMLElement {
  const shot = state.shot.value;
  return shot
    ? shotCanvas(shot, state.inverted.value, texts)
    : el("p", { class: "hint" }, texts.classify.drop);
}

/** The picture as it was chosen or taken, turned around if that is wanted. */
export function shotCanvas(shot: Shot, invert: boolean, texts: Texts): HTMLCanvasElement {
  const canvas = el("canvas", {
    class: "shot",
    role: "img",
    "aria-label": texts.classify.dropped(shot.name),
  });
  put(canvas, invert ? inverted(shot.pixels) : shot.pixels);
  return canvas;
}

export function invertSwitch(state: ClassifyState, texts: Texts, ends: Ends): HTMLElement {
  const box: HTMLInputElement = el("input", {
    type: "checkbox",
    class: "invert",
    onchange: () => state.inverted.set(box.checked),
  });
  ends.add(state.inverted.follow((value) => (box.checked = value)));
  return el("label", { class: "switch" }, box, el("span", {}, texts.classify.invert));
}
