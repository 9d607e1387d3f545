import { announce } from "../announce.ts";
import { Cleanups } from "../app.ts";
import { button, el } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { paint, type Point, type Stroke } from "./drawing.ts";
import type { ClassifyState } from "./state.ts";

const SIDE = 560;
/** Distance that an arrow key moves the pen. */
const STEP = 0.04;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};

/** A drawing board for pointer and keyboard, white on black like the digits of the training data. */
export class Board {
  readonly element: HTMLElement;
  readonly cleanups = new Cleanups();
  private readonly canvas: HTMLCanvasElement;
  private readonly undo: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly hint: HTMLElement;
  private cursor: Point = { x: 0.5, y: 0.5 };
  private penDown = false;
  /** The id of the drawing pointer; further pointers, such as a second finger, are ignored. */
  private pointer: number | null = null;

  constructor(
    private readonly texts: Texts,
    private readonly state: ClassifyState,
  ) {
    const words = texts.classify;
    this.canvas = this.createCanvas();
    this.undo = button(words.undo, () => this.undoStroke(), { id: "undo" });
    this.clear = button(words.clear, () => this.clearBoard(), { id: "clear" });
    this.hint = el("p", { class: "hint", "aria-hidden": "true" }, words.hint);
    this.element = el(
      "div",
      { class: "stage-part" },
      el("div", { class: "stage" }, this.canvas, this.hint),
      el("p", { class: "unseen", id: "board-help" }, words.boardHelp),
      el("div", { class: "buttons" }, this.undo, this.clear),
    );
    this.cleanups.add(state.strokes.subscribe((strokes) => this.render(strokes)));
  }

  private createCanvas(): HTMLCanvasElement {
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
      onblur: () => this.liftPen(),
    });
  }

  private render(strokes: readonly Stroke[]): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    paint(context, strokes);
    if (document.activeElement === this.canvas && this.canvas.matches(":focus-visible"))
      this.drawCursor(context);
    this.hint.hidden = strokes.length > 0;
    this.undo.disabled = strokes.length === 0;
    this.clear.disabled = strokes.length === 0;
  }

  /** Marks the position of the keyboard's pen. */
  private drawCursor(context: CanvasRenderingContext2D): void {
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
    this.state.strokes.set([...this.state.strokes.value, [this.pointAt(event)]]);
  }

  private moved(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    // A fast pointer produces several positions per frame, which are coalesced into one event.
    const events = event.getCoalescedEvents?.() ?? [];
    this.extend((events.length > 0 ? events : [event]).map((each) => this.pointAt(each)));
  }

  private up(event: PointerEvent): void {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  private extend(points: readonly Point[]): void {
    const strokes = this.state.strokes.value;
    const last = strokes.at(-1) ?? [];
    this.state.strokes.set([...strokes.slice(0, -1), [...last, ...points]]);
  }

  private pointAt({ clientX, clientY }: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return { x: clamp((clientX - box.left) / box.width), y: clamp((clientY - box.top) / box.height) };
  }

  private key(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    if (arrow) this.moveCursor(arrow);
    else if (event.key === " ") this.togglePen();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undoStroke();
    else return;
    event.preventDefault();
  }

  private moveCursor([right, down]: readonly [number, number]): void {
    this.cursor = { x: clamp(this.cursor.x + right), y: clamp(this.cursor.y + down) };
    if (this.penDown) this.extend([this.cursor]);
    else this.render(this.state.strokes.value);
  }

  private togglePen(): void {
    this.penDown = !this.penDown;
    announce(this.penDown ? this.texts.classify.penDown : this.texts.classify.penUp);
    const { strokes } = this.state;
    strokes.set(this.penDown ? [...strokes.value, [this.cursor]] : strokes.value);
  }

  private liftPen(): void {
    this.penDown = false;
    this.render(this.state.strokes.value);
  }

  private undoStroke(): void {
    this.state.strokes.set(this.state.strokes.value.slice(0, -1));
    this.refocus();
  }

  private clearBoard(): void {
    this.state.strokes.set([]);
    announce(this.texts.classify.cleared);
    this.refocus();
  }

  /** Moves the focus to the board, because the button that was just disabled loses it. */
  private refocus(): void {
    if (this.undo.disabled) this.canvas.focus({ preventScroll: true });
  }
}

function clamp(value: number): number {
  return Math.min(Math.max(value, 0), 1);
}
