/**
 * The self-test of a classifier: replays golden.json, of pictures and of what each artifact said of them.
 *
 * Pixels are uint8 [height, width, channels], row by row, in base64.
 */

import { largestDifference, notReplayed } from "./golden.ts";
import { Table } from "./json_table.ts";
import type { PictureInput } from "./manifest.types.ts";
import { prepare } from "./pictures.ts";
import { short } from "./text.ts";
import type { PixelArray, SelfTest } from "./types.ts";

const LARGEST_SIDE = 4096;

/** A picture and the bytes that it becomes. */
export interface Preparation {
  source: PixelArray;
  prepared: Uint8Array;
}

/** A prepared picture and its probabilities. */
export interface PictureCase {
  image: Uint8Array<ArrayBuffer>;
  label: number;
  probabilities: Float64Array;
}

export interface PictureGolden {
  preparation: readonly Preparation[];
  /** By artifact format, for those that ran at export. */
  artifacts: ReadonlyMap<string, { tolerance: number; cases: readonly PictureCase[] }>;
}

/** The golden pictures in `content`; BundleError naming the field if it is malformed. */
export function parsePictureGolden(
  content: Uint8Array,
  picture: PictureInput,
  classes: number,
  where = "golden.json",
): PictureGolden {
  const table = Table.parse(content, where);
  if (table.text("task") !== "image-classification") table.fail("task", "one of image-classification");
  const preparation = table.tables("preparation").map((entry) => preparationOf(entry, picture));
  const artifacts = [...table.namedTables("artifacts")].map(([name, entry]) => {
    const cases = entry.tables("cases", 1).map((each) => caseOf(each, picture, classes));
    return [name, { tolerance: entry.magnitude("tolerance"), cases }] as const;
  });
  return { preparation, artifacts: new Map(artifacts) };
}

/**
 * Prepares every source, which must give the very bytes, and compares `answer` (of a prepared picture) of
 * every case.
 */
export async function replayPictures(
  golden: PictureGolden,
  format: string,
  picture: PictureInput,
  answer: (image: Uint8Array<ArrayBuffer>) => Promise<Float32Array>,
): Promise<SelfTest> {
  const expected = golden.artifacts.get(format);
  if (!expected) return notReplayed("golden.json", format);
  const { tolerance, cases } = expected;
  const problems = preparationProblems(golden.preparation, picture);
  let largest = 0;
  for (const [number, { image, probabilities }] of cases.entries()) {
    const error = largestDifference(await answer(image), probabilities);
    largest = Math.max(largest, error);
    if (error > tolerance) problems.push(`picture ${number}: a probability differs by ${short(error)}`);
  }
  let detail =
    `${golden.preparation.length} preparations, ${cases.length} pictures, ` +
    `largest difference ${short(largest)} (tolerance ${short(tolerance)})`;
  if (problems.length) detail += `; ${problems.length} failed, first ${problems[0]}`;
  return { passed: problems.length === 0, cases: cases.length, maxAbsError: largest, tolerance, detail };
}

function preparationProblems(preparation: readonly Preparation[], picture: PictureInput): string[] {
  return preparation.flatMap(({ source, prepared }, number) => {
    const found = prepare(source, picture);
    if (found.length === prepared.length && found.every((level, place) => level === prepared[place]))
      return [];
    const size = `${source.width} × ${source.height}`;
    return [`picture ${number}, of ${size}, is prepared otherwise than at export`];
  });
}

function preparationOf(table: Table, picture: PictureInput): Preparation {
  const source = table.table("source");
  const height = source.integer("height", 1, LARGEST_SIDE);
  const width = source.integer("width", 1, LARGEST_SIDE);
  const channels = source.integer("channels", 1, 4);
  if (channels === 2) source.fail("channels", "1, 3 or 4");
  const data = pixels(source, "pixels", [height, width, channels]);
  return {
    source: { data, height, width, channels: channels as PixelArray["channels"] }, // one of them, as checked
    prepared: pixels(table, "prepared", shapeOf(picture)),
  };
}

function caseOf(table: Table, picture: PictureInput, classes: number): PictureCase {
  const label = table.integer("label", 0, classes - 1);
  const probabilities = table.numbers("probabilities");
  if (probabilities.length !== classes)
    table.fail("probabilities", `${classes} finite numbers, one per class`);
  return { image: pixels(table, "image", shapeOf(picture)), label, probabilities };
}

function shapeOf({ height, width, channels }: PictureInput): [number, number, number] {
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
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
