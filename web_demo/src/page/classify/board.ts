import { announce } from "../announce.ts";
import { Ends } from "../app.ts";
import { button, el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { paint, type Point, type Stroke } from "./drawing.ts";
import type { ClassifyState } from "./state.ts";

const SIDE = 560;
/** How far an arrow key moves the pen. */
const STEP = 0.04;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/** A board to draw on, white on black as the digits are, with a pointer or with the keyboard. */
export class Board {
  readonly element: HTMLElement;
  readonly ends = new Ends();
  private readonly canvas: HTMLCanvasElement;
  private readonly undo: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly hint: HTMLElement;
  private cursor: Point = { x: 0.5, y: 0.5 };
  private penDown = false;
  /** The pointer that draws: a second finger is no second pen. */
  private pointer: number | null = null;

  constructor(
    private readonly texts: Texts,
    private readonly state: ClassifyState,
  ) {
    const words = texts.classify;
    this.canvas = this.board();
    this.undo = button(words.undo, () => this.undone(), { id: "undo" });
    this.clear = button(words.clear, () => this.cleared(), { id: "clear" });
    this.hint = el("p", { class: "hint", "aria-hidden": "true" }, words.hint);
    this.element = el(
      "div",
      { class: "stage-part" },
      el("div", { class: "stage" }, this.canvas, this.hint),
      el("p", { class: "unseen", id: "board-help" }, words.boardHelp),
      el("div", { class: "buttons" }, this.undo, this.clear),
    );
    this.ends.add(state.strokes.follow((strokes) => this.shown(strokes)));
  }

  private board(): HTMLCanvasElement {
    return el("canvas", {
      width: SIDE,
      height: SIDE,
      class: "board",
      id: "board",
      tabindex: "0",
      role: "application",
      "aria-label": this.texts.classify.board,
      "aria-describedby": "board-help",
      onpointerdown: (event: PointerEvent) => this.down(event),
      onpointermove: (event: PointerEvent) => this.moved(event),
      onpointerup: (event: PointerEvent) => this.up(event),
      onpointercancel: (event: PointerEvent) => this.up(event),
      onkeydown: (event: KeyboardEvent) => this.key(event),
      onblur: () => this.lift(),
    });
  }

  private shown(strokes: readonly Stroke[]): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    paint(context, strokes);
    if (document.activeElement === this.canvas && this.canvas.matches(":focus-visible")) this.mark(context);
    this.hint.hidden = strokes.length > 0;
    this.undo.disabled = strokes.length === 0;
    this.clear.disabled = strokes.length === 0;
  }

  /** Where the keyboard's pen is. */
  private mark(context: CanvasRenderingContext2D): void {
    context.strokeStyle = this.penDown ? "#f0a35e" : "#8fb4ff";
    context.lineWidth = 4;
    context.beginPath();
    context.arc(this.cursor.x * SIDE, this.cursor.y * SIDE, 16, 0, 2 * Math.PI);
    context.stroke();
  }

  private down(event: PointerEvent): void {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.state.strokes.set([...this.state.strokes.value, [this.at(event)]]);
  }

  private moved(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    // Pens and quick mice move further between two frames than one event says.
    const events = event.getCoalescedEvents?.() ?? [];
    this.extend((events.length > 0 ? events : [event]).map((each) => this.at(each)));
  }

  private up(event: PointerEvent): void {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  private extend(points: readonly Point[]): void {
    const strokes = this.state.strokes.value;
    const last = strokes.at(-1) ?? [];
    this.state.strokes.set([...strokes.slice(0, -1), [...last, ...points]]);
  }

  private at({ clientX, clientY }: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return { x: inside((clientX - box.left) / box.width), y: inside((clientY - box.top) / box.height) };
  }

  private key(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    if (arrow) this.steer(arrow);
    else if (event.key === " ") this.toggle();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undone();
    else return;
    event.preventDefault();
  }

  private steer([right, down]: readonly [number, number]): void {
    this.cursor = { x: inside(this.cursor.x + right), y: inside(this.cursor.y + down) };
    if (this.penDown) this.extend([this.cursor]);
    else this.shown(this.state.strokes.value);
  }

  private toggle(): void {
    this.penDown = !this.penDown;
    announce(this.penDown ? this.texts.classify.penDown : this.texts.classify.penUp);
    const { strokes } = this.state;
    strokes.set(this.penDown ? [...strokes.value, [this.cursor]] : strokes.value);
  }

  private lift(): void {
    this.penDown = false;
    this.shown(this.state.strokes.value);
  }

  private undone(): void {
    this.state.strokes.set(this.state.strokes.value.slice(0, -1));
    this.refocus();
  }

  private cleared(): void {
    this.state.strokes.set([]);
    announce(this.texts.classify.cleared);
    this.refocus();
  }

  /** A button that was just disabled cannot keep the focus. */
  private refocus(): void {
    if (this.undo.disabled) this.canvas.focus({ preventScroll: true });
  }
}

function inside(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}
