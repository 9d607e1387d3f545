/**
 * Larger images are scaled down first: a full phone photo (48 MB of pixels) is of no use to a small model.
 */
const MAX_SIDE = 1600;

/** The pixels of an image file, with its EXIF orientation applied. Errors: the browser cannot decode it. */
export async function pixelsOf(file: Blob): Promise<ImageData> {
  // The raw pixel values, as in Python: no colour management and straight alpha.
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none", colorSpaceConversion: "none" });
  const pixels = readPixels(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return pixels;
}

/** The pixels of the current video frame. */
export function frameOf(video: HTMLVideoElement): ImageData {
  return readPixels(video, video.videoWidth, video.videoHeight);
}

function readPixels(source: CanvasImageSource, width: number, height: number): ImageData {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("canvas: expected a 2d context, found none");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Inverts the colours, but not alpha. */
export function inverted(pixels: ImageData): ImageData {
  const data = pixels.data.map((value, index) => (index % 4 === 3 ? value : 255 - value));
  return new ImageData(data, pixels.width, pixels.height);
}

/** Converts pixels with one or three channels to an ImageData. */
export function toImageData(
  values: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
): ImageData {
  const pixels = new ImageData(width, height);
  for (let index = 0; index < width * height; index++) {
    for (let channel = 0; channel < 3; channel++) {
      pixels.data[4 * index + channel] = values[channels * index + (channels === 1 ? 0 : channel)] ?? 0;
    }
    pixels.data[4 * index + 3] = 255;
  }
  return pixels;
}

/** Resizes a canvas to the pixels and draws them on it. */
export function drawPixels(canvas: HTMLCanvasElement, pixels: ImageData): void {
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
