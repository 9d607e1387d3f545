/**
 * Larger pictures are scaled down first: a phone's 48 million bytes a photo are of no use to a small
 * network.
 */
const LARGEST_SIDE = 1600;

/** The pixels of a picture file, upright. Errors: the browser cannot read it. */
export async function pixelsOf(file: Blob): Promise<ImageData> {
  // The numbers in the file are wanted, as Python reads them: no colour management, no multiplied alpha.
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const pixels = drawn(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return pixels;
}

/** The pixels of a video's present picture. */
export function frameOf(video: HTMLVideoElement): ImageData {
  return drawn(video, video.videoWidth, video.videoHeight);
}

function drawn(source: CanvasImageSource, width: number, height: number): ImageData {
  const scale = Math.min(1, LARGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser gives no 2d canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Light and dark turned around; alpha stays. */
export function inverted(pixels: ImageData): ImageData {
  const data = pixels.data.map((level, index) => (index % 4 === 3 ? level : 255 - level));
  return new ImageData(data, pixels.width, pixels.height);
}

/** Pixels with one or three channels as a browser shows them. */
export function shownPixels(
  levels: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
): ImageData {
  const pixels = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels.data[4 * at + channel] = levels[channels * at + (channels === 1 ? 0 : channel)] ?? 0;
    }
    pixels.data[4 * at + 3] = 255;
  }
  return pixels;
}

/** Shows pixels on a canvas of their size. */
export function put(canvas: HTMLCanvasElement, pixels: ImageData): void {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
