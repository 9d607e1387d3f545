/** A point on the board: x to the right and y downwards, both in [0, 1]. */
export interface Point {
  x: number;
  y: number;
}

export type Stroke = readonly Point[];

/** Width of the pen, in parts of the board's side. */
const PEN = 0.1;
/**
 * The same in the picture that the model is given: the line of a pen on a small form is that bold. Drawn
 * digits are then about as light, 71 of 255 on average, as those that the demo's model was trained on, 78.
 */
const BOLD = 0.17;
/**
 * The picture that the model is given is so many pixels wide and high, before it is prepared for the
 * model.
 */
const SIDE = 224;
/** A drawing fills the frame as the pictures of training do, but a dot is not blown up to a blot. */
const LARGEST_ZOOM = 3;

/** Paints strokes on a square canvas as white lines on black; `place` moves and scales the points. */
export function paint(
  context: CanvasRenderingContext2D,
  strokes: readonly Stroke[],
  { place, pen }: { place: (point: Point) => Point; pen: number } = { place: (point) => point, pen: PEN },
): void {
  const side = context.canvas.width;
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  context.strokeStyle = "#fff";
  context.lineWidth = pen * side;
  context.lineCap = "round";
  context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    for (const [index, point] of stroke.map(place).entries()) {
      if (index === 0) context.moveTo(point.x * side, point.y * side);
      // A line of no length still gets its round ends: a dot.
      context.lineTo(point.x * side, point.y * side);
    }
    context.stroke();
  }
}

/**
 * The drawing as the model is given it: centred, and enlarged until it fills the frame, with a pen of the
 * same width whatever the size was that it was drawn in.
 */
export function rasterized(strokes: readonly Stroke[]): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no 2d canvas");
  paint(context, strokes, { place: fitting(strokes), pen: BOLD });
  return context.getImageData(0, 0, SIDE, SIDE);
}

/** Moves the middle of the drawing to the middle of the frame and its longer side to the frame's edges. */
function fitting(strokes: readonly Stroke[]): (point: Point) => Point {
  const points = strokes.flat();
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const longer = Math.max(right - left, bottom - top);
  const zoom = Math.min((1 - BOLD) / Math.max(longer, 1e-6), LARGEST_ZOOM);
  return ({ x, y }) => ({
    x: 0.5 + (x - (left + right) / 2) * zoom,
    y: 0.5 + (y - (top + bottom) / 2) * zoom,
  });
}
