/** A point on the board: x to the right and y downwards, both in [0, 1]. */
export interface Point {
  x: number;
  y: number;
}

export type Stroke = readonly Point[];

/** Pen width, relative to the side of the board. */
const PEN = 0.1;
/**
 * Pen width in the image for the model. With this width, the mean pixel value of drawn digits (71 of 255) is
 * close to that of the training data of the demo's model (78).
 */
const MODEL_PEN = 0.17;
/** Width and height of the image for the model, before preparation. */
const SIDE = 224;
/**
 * Drawings are scaled to fill the frame like the training images, but a dot must not be scaled up to a blob.
 */
const MAX_ZOOM = 3;

/** Paints strokes on a square canvas as white lines on black; `transform` is applied to all points. */
export function paint(
  context: CanvasRenderingContext2D,
  strokes: readonly Stroke[],
  { transform, pen }: { transform: (point: Point) => Point; pen: number } = {
    transform: (point) => point,
    pen: PEN,
  },
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
    for (const [index, point] of stroke.map(transform).entries()) {
      if (index === 0) context.moveTo(point.x * side, point.y * side);
      // A line of zero length is drawn as a dot, because of its round caps.
      context.lineTo(point.x * side, point.y * side);
    }
    context.stroke();
  }
}

/**
 * Renders the drawing for the model: centred and scaled to fill the frame, with a pen width that does not
 * depend on the scale.
 */
export function rasterized(strokes: readonly Stroke[]): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("canvas: expected a 2d context, found none");
  paint(context, strokes, { transform: fitting(strokes), pen: MODEL_PEN });
  return context.getImageData(0, 0, SIDE, SIDE);
}

/** Centres the drawing in the frame and scales its longer side to the size of the frame. */
function fitting(strokes: readonly Stroke[]): (point: Point) => Point {
  const points = strokes.flat();
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const longer = Math.max(right - left, bottom - top);
  const zoom = Math.min((1 - MODEL_PEN) / Math.max(longer, 1e-6), MAX_ZOOM);
  return ({ x, y }) => ({
    x: 0.5 + (x - (left + right) / 2) * zoom,
    y: 0.5 + (y - (top + bottom) / 2) * zoom,
  });
}
