import { messageOf } from "../../hanji/errors.ts";
import { announce } from "../announce.ts";
import { Ends, type App, type View } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import { absent, modelStatus } from "../status.ts";
import type { Texts } from "../texts/index.ts";
import { Bars } from "./bars.ts";
import { Board } from "./board.ts";
import { CameraPart } from "./camera_part.ts";
import { examplesPart } from "./examples_part.ts";
import { Looking, type Look } from "./looking.ts";
import { PicturePart } from "./picture_part.ts";
import { Seen } from "./seen.ts";
import type { ClassifyState, Source } from "./state.ts";

const SOURCES: readonly Source[] = ["draw", "picture", "camera"];

/** Draw, choose a picture or use the camera, and see what the model takes it for. */
export function classifyView(app: App, state: ClassifyState | undefined): View {
  if (!state) return { element: absent(app.texts), show: () => {}, hide: () => {}, close: () => {} };
  const view = new ClassifyView(app, state);
  return {
    element: view.element,
    show: () => void state.model.open(),
    hide: () => view.camera.stop(),
    close: () => view.ends.run(),
  };
}

class ClassifyView {
  readonly ends = new Ends();
  readonly element: HTMLElement;
  readonly camera: CameraPart;
  private readonly texts: Texts;
  private readonly board: Board;
  private readonly picture: PicturePart;
  private readonly looking: Looking;
  private readonly bars: Bars;
  private readonly seen: Seen;
  private readonly nothing: HTMLElement;
  private readonly part = el("div", {});
  private readonly tabs = new Map<Source, HTMLButtonElement>();
  private speaking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    app: App,
    private readonly state: ClassifyState,
  ) {
    this.texts = app.texts;
    this.looking = new Looking(state, app.language);
    this.board = new Board(app.texts, state);
    this.picture = new PicturePart(app.texts, state);
    this.camera = new CameraPart(app.texts, state);
    this.bars = new Bars(app.texts);
    this.seen = new Seen(app.texts);
    this.nothing = el("p", { class: "quiet-text" }, app.texts.classify.nothing);
    this.element = this.page();
    this.follow();
  }

  private follow(): void {
    const again = (): void => void this.looking.again();
    const { model, source, strokes, shot, inverted } = this.state;
    this.ends.add(
      this.looking.look.follow((look) => this.looked(look)),
      source.follow((value) => this.sourceChanged(value)),
      ...[model.state, strokes, shot, inverted].map((signal) => signal.follow(again)),
      () => clearTimeout(this.speaking),
    );
    for (const { ends } of [this.board, this.picture, this.camera]) this.ends.add(() => ends.run());
  }

  private page(): HTMLElement {
    const words = this.texts.classify;
    const status = modelStatus(this.state.model, this.texts);
    const examples = examplesPart(this.state, this.texts);
    this.ends.add(status.end, examples.end);
    const show = el(
      "div",
      { class: "ask" },
      el("h1", { id: "view-title", tabindex: "-1" }, words.heading),
      el("p", { class: "lead" }, words.lead),
      status.element,
      this.sources(),
      this.part,
      examples.element,
    );
    const title = el("h2", { id: "looks-title", class: "answer-title" }, words.results);
    const looks = el(
      "section",
      { class: "answer", "aria-labelledby": "looks-title" },
      title,
      this.nothing,
      this.bars.element,
      this.seen.element,
    );
    return el("div", { class: "columns" }, show, looks);
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
    fill(this.part, { draw: this.board, picture: this.picture, camera: this.camera }[source].element);
    void this.looking.again();
  }

  private looked(look: Look): void {
    const answer = look.kind === "answer";
    this.nothing.hidden = answer;
    this.nothing.textContent = look.kind === "failed" ? messageOf(look.error) : this.texts.classify.nothing;
    this.bars.element.hidden = !answer;
    this.seen.element.hidden = !answer;
    clearTimeout(this.speaking);
    if (!answer) return;
    const { predictions } = look.classification;
    this.bars.show(predictions);
    const open = this.state.model.state.value;
    if (open.kind === "ready") this.seen.show(look.pixels, open.remote.picture);
    this.speaking = setTimeout(() => this.speak(predictions[0]), 700);
  }

  /** Says the best guess once the drawing rests, not at every point of a stroke. */
  private speak(best: { name: string; probability: number } | undefined): void {
    if (best) announce(this.texts.classify.announce(best.name, best.probability));
  }
}
