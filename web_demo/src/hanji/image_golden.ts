/**
 * The self-test of a classifier: replays golden.json, which holds images and the recorded outputs of each
 * artifact.
 *
 * Pixels are uint8 [height, width, channels] in row-major order, encoded as base64.
 */

import { largestDifference, notReplayed } from "./golden.ts";
import { Table } from "./json_table.ts";
import type { ImageInput } from "./manifest.types.ts";
import { prepare } from "./images.ts";
import { formatNumber } from "./text.ts";
import type { PixelArray, SelfTest } from "./types.ts";

const MAX_SIDE = 4096;

/** A source image and the expected result of its preparation. */
export interface Preparation {
  source: PixelArray;
  prepared: Uint8Array;
}

/** A prepared image and the expected probabilities. */
export interface ImageCase {
  image: Uint8Array<ArrayBuffer>;
  label: number;
  probabilities: Float64Array;
  /** Of values, which may have different magnitudes: differences are divided by them. */
  sizes?: Float64Array;
}

export interface ImageGolden {
  preparation: readonly Preparation[];
  /** By artifact format, for the artifacts that ran at export. */
  artifacts: ReadonlyMap<string, { tolerance: number; cases: readonly ImageCase[] }>;
}

/** Parses golden.json of a classifier; BundleError naming the field if it is malformed. */
export function parseImageGolden(
  content: Uint8Array,
  imageInput: ImageInput,
  classes: number,
  where = "golden.json",
): ImageGolden {
  const table = Table.parse(content, where);
  if (table.text("task") !== "image-classification") table.fail("task", "one of image-classification");
  const preparation = table.tables("preparation").map((entry) => preparationOf(entry, imageInput));
  const artifacts = [...table.namedTables("artifacts")].map(([name, entry]) => {
    const cases = entry.tables("cases", 1).map((each) => caseOf(each, imageInput, classes));
    return [name, { tolerance: entry.magnitude("tolerance"), cases }] as const;
  });
  return { preparation, artifacts: new Map(artifacts) };
}

/**
 * Prepares every source image, which must match byte for byte, and compares the output of `classify` for
 * every prepared image.
 */
export async function replayImages(
  golden: ImageGolden,
  format: string,
  imageInput: ImageInput,
  classify: (image: Uint8Array<ArrayBuffer>) => Promise<Float32Array>,
): Promise<SelfTest> {
  const expected = golden.artifacts.get(format);
  if (!expected) return notReplayed("golden.json", format);
  const { tolerance, cases } = expected;
  const problems = preparationProblems(golden.preparation, imageInput);
  let largest = 0;
  for (const [number, { image, probabilities, sizes }] of cases.entries()) {
    const error = largestDifference(await classify(image), probabilities, sizes);
    largest = Math.max(largest, error);
    if (!(error <= tolerance))
      problems.push(`image ${number}: a probability differs by ${formatNumber(error)}`);
  }
  let detail =
    `${golden.preparation.length} preprocessing cases, ${cases.length} images, ` +
    `largest difference ${formatNumber(largest)} (tolerance ${formatNumber(tolerance)})`;
  if (problems.length) detail += `; ${problems.length} failed, first: ${problems[0]}`;
  return { passed: problems.length === 0, cases: cases.length, maxAbsError: largest, tolerance, detail };
}

function preparationProblems(preparation: readonly Preparation[], imageInput: ImageInput): string[] {
  return preparation.flatMap(({ source, prepared }, number) => {
    const found = prepare(source, imageInput);
    if (found.length === prepared.length && found.every((value, index) => value === prepared[index]))
      return [];
    const size = `${source.width} × ${source.height}`;
    return [`image ${number} (${size}) is preprocessed differently than at export`];
  });
}

function preparationOf(table: Table, imageInput: ImageInput): Preparation {
  const source = table.table("source");
  const height = source.integer("height", 1, MAX_SIDE);
  const width = source.integer("width", 1, MAX_SIDE);
  const channels = source.integer("channels", 1, 4);
  if (channels === 2) source.fail("channels", "1, 3 or 4");
  const data = pixels(source, "pixels", [height, width, channels]);
  return {
    source: { data, height, width, channels: channels as PixelArray["channels"] }, // checked above
    prepared: pixels(table, "prepared", shapeOf(imageInput)),
  };
}

function caseOf(table: Table, imageInput: ImageInput, classes: number): ImageCase {
  const label = table.integer("label", 0, classes - 1);
  const probabilities = perClass(table, "probabilities", classes);
  const image = pixels(table, "image", shapeOf(imageInput));
  if (!table.has("sizes")) return { image, label, probabilities };
  return { image, label, probabilities, sizes: perClass(table, "sizes", classes) };
}

function perClass(table: Table, key: string, classes: number): Float64Array {
  const numbers = table.numbers(key);
  return numbers.length === classes ? numbers : table.fail(key, `${classes} finite numbers, one per class`);
}

function shapeOf({ height, width, channels }: ImageInput): [number, number, number] {
  return [height, width, channels];
}

function pixels(
  table: Table,
  key: string,
  [height, width, channels]: [number, number, number],
): Uint8Array<ArrayBuffer> {
  const expected = `base64 of ${height} × ${width} × ${channels} bytes`;
  const encoded = table.text(key);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length % 4 !== 0) table.fail(key, expected);
  const text = atob(encoded);
  if (text.length !== height * width * channels) table.fail(key, expected);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
