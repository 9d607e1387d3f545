import { messageOf } from "../../hanji/errors.ts";
import { announce } from "../announce.ts";
import { type App, Cleanups, type View } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import type { Texts } from "../texts/index.ts";
import { Bars, entriesOf, type Entry } from "./bars.ts";
import { Board } from "./board.ts";
import { CameraPart } from "./camera_part.ts";
import { examplesPart } from "./examples_part.ts";
import { ImagePart } from "./image_part.ts";
import { InputPreview } from "./input_preview.ts";
import { type ClassifyOutcome, ClassifyRunner } from "./runner.ts";
import type { ClassifyState, Source } from "./state.ts";

const SOURCES: readonly Source[] = ["draw", "picture", "camera"];

/** The view for classification: draw, choose an image or use the camera, and see the predictions. */
export function classifyView(app: App, state: ClassifyState | undefined): View {
  if (!state) return { element: absent(app.texts), show: () => {}, hide: () => {}, close: () => {} };
  const view = new ClassifyView(app, state);
  return {
    element: view.element,
    show: () => void state.model.open(),
    hide: () => view.camera.stop(),
    close: () => view.cleanups.run(),
  };
}

class ClassifyView {
  readonly cleanups = new Cleanups();
  readonly element: HTMLElement;
  readonly camera: CameraPart;
  private readonly texts: Texts;
  private readonly board: Board;
  private readonly image: ImagePart;
  private readonly runner: ClassifyRunner;
  private readonly bars: Bars;
  private readonly preview: InputPreview;
  private readonly title: HTMLElement;
  private readonly nothing: HTMLElement;
  private readonly part = el("div", {});
  private readonly tabs = new Map<Source, HTMLButtonElement>();
  private announcement: ReturnType<typeof setTimeout> | undefined;

  constructor(
    app: App,
    private readonly state: ClassifyState,
  ) {
    this.texts = app.texts;
    this.runner = new ClassifyRunner(state, app.language);
    this.board = new Board(app.texts, state);
    this.image = new ImagePart(app.texts, state);
    this.camera = new CameraPart(app.texts, state);
    this.bars = new Bars();
    this.preview = new InputPreview(app.texts);
    this.title = el("h2", { id: "looks-title", class: "answer-title" }, app.texts.classify.results);
    this.nothing = el("p", { class: "quiet-text" }, app.texts.classify.nothing);
    this.element = this.page();
    this.subscribe();
  }

  private subscribe(): void {
    const update = (): void => void this.runner.update();
    const { model, source, strokes, shot, inverted } = this.state;
    this.cleanups.add(
      this.runner.outcome.subscribe((outcome) => this.show(outcome)),
      source.subscribe((value) => this.sourceChanged(value)),
      ...[model.state, strokes, shot, inverted].map((signal) => signal.subscribe(update)),
      () => clearTimeout(this.announcement),
    );
    for (const { cleanups } of [this.board, this.image, this.camera]) this.cleanups.add(() => cleanups.run());
  }

  private page(): HTMLElement {
    const words = this.texts.classify;
    const status = modelStatus(this.state.model, this.texts);
    const examples = examplesPart(this.state, this.texts);
    this.cleanups.add(status.dispose, examples.dispose);
    const input = el(
      "div",
      { class: "ask" },
      el("h1", { id: "view-title", tabindex: "-1" }, words.heading),
      el("p", { class: "lead" }, words.lead),
      status.element,
      this.sources(),
      this.part,
      examples.element,
    );
    const results = el(
      "section",
      { class: "answer", "aria-labelledby": "looks-title" },
      this.title,
      this.nothing,
      this.bars.element,
      this.preview.element,
    );
    return el("div", { class: "columns" }, input, results);
  }

  private sources(): HTMLElement {
    const group = el("div", { class: "segments", role: "group", "aria-label": this.texts.classify.sources });
    for (const source of SOURCES) {
      const tab = button(this.texts.classify[source], () => this.state.source.set(source), {
        id: `source-${source}`,
      });
      this.tabs.set(source, tab);
      group.append(tab);
    }
    return group;
  }

  private sourceChanged(source: Source): void {
    for (const [name, tab] of this.tabs) tab.setAttribute("aria-pressed", String(name === source));
    if (source !== "camera") this.camera.stop();
    fill(this.part, { draw: this.board, picture: this.image, camera: this.camera }[source].element);
    void this.runner.update();
  }

  private show(outcome: ClassifyOutcome): void {
    const hasResult = outcome.kind === "result";
    this.nothing.hidden = hasResult;
    this.nothing.textContent =
      outcome.kind === "failed" ? messageOf(outcome.error) : this.texts.classify.nothing;
    this.bars.element.hidden = !hasResult;
    this.preview.element.hidden = !hasResult;
    clearTimeout(this.announcement);
    if (!hasResult) return;
    const entries = entriesOf(outcome.answer, this.texts);
    this.bars.show(entries);
    const { estimates, results } = this.texts.classify;
    this.title.textContent = "values" in outcome.answer ? estimates : results;
    this.nothing.hidden = entries.length > 0;
    this.nothing.textContent = this.texts.classify.none;
    const open = this.state.model.state.value;
    if (open.kind === "ready") this.preview.show(outcome.pixels, open.remote.imageInput);
    this.announcement = setTimeout(() => this.announce(entries[0]), 700);
  }

  /** Announces the first entry once the drawing pauses, not at every point of a stroke. */
  private announce(first: Entry | undefined): void {
    const words = this.texts.classify;
    if (!first) announce(words.none);
    else if (first.share === undefined) announce(`${first.name}: ${first.text}`);
    else announce(words.announce(first.name, first.share));
  }
}
