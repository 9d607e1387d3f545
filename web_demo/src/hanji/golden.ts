/** The self-test: replays golden.json, which says what each artifact answered when it was exported. */

import type { Ids, OwnId } from "./ids.ts";
import { Table } from "./json_table.ts";
import { short } from "./text.ts";
import { topK } from "./top_k.ts";
import type { Ask, SelfTest } from "./types.ts";

/** One user or one history: the ids of its top k, and the scores of `items`, which begin with the top k. */
export interface GoldenCase {
  ask: Ask;
  top: readonly OwnId[];
  items: readonly OwnId[];
  scores: Float64Array;
  /** What each item of the history brought to the score of `item`. */
  why?: { item: OwnId; shares: Float64Array };
}

/** What one artifact answered, and how far a score may be from it. */
export interface GoldenArtifact {
  tolerance: number;
  cases: readonly GoldenCase[];
}

export interface Golden {
  k: number;
  /** By artifact format, for those that ran at export. */
  artifacts: ReadonlyMap<string, GoldenArtifact>;
}

export interface Answers {
  /** Float32 [items]. */
  scores: (ask: Ask) => Promise<Float32Array>;
  /** Float32 [n], for a history of n; null where this engine cannot say, and then shares are not compared. */
  shares: ((history: readonly OwnId[], item: OwnId) => Promise<Float32Array>) | null;
}

/** The golden cases in `content`; BundleError naming the field if it is malformed. */
export function parseGolden(content: Uint8Array, where = "golden.json"): Golden {
  const table = Table.parse(content, where);
  const k = table.integer("k", 1, 2 ** 31 - 1);
  const entries = [...table.namedTables("artifacts")].map(
    ([name, entry]) => [name, artifactOf(entry, k)] as const,
  );
  return { k, artifacts: new Map(entries) };
}

/** The outcome where golden.json says nothing of an artifact. */
export function notReplayed(where: string, format: string): SelfTest {
  const detail = `${where} holds no cases for ${format}: it was not run at export`;
  return { passed: false, cases: 0, maxAbsError: 0, tolerance: 0, detail };
}

/** Compares the scores of each case, and the shares of those with a `why`. */
export async function replay(
  expected: GoldenArtifact,
  k: number,
  items: Ids,
  answers: Answers,
): Promise<SelfTest> {
  const { tolerance, cases } = expected;
  const problems: string[] = [];
  let largest = 0;
  for (const each of cases) {
    const { error, problem } = await replayCase(each, tolerance, k, items, answers);
    largest = Math.max(largest, error);
    if (problem) problems.push(`${nameOf(each)}: ${problem}`);
  }
  const what = cases[0]?.ask.history ? "histories" : "users";
  let detail =
    `${cases.length} ${what}, largest difference ${short(largest)}` + ` (tolerance ${short(tolerance)})`;
  if (!answers.shares && cases.some(({ why }) => why))
    detail += "; shares were not compared: this engine cannot say";
  if (problems.length) detail += `; ${problems.length} failed, first ${problems[0]}`;
  return { passed: problems.length === 0, cases: cases.length, maxAbsError: largest, tolerance, detail };
}

async function replayCase(golden: GoldenCase, tolerance: number, k: number, items: Ids, answers: Answers) {
  for (const own of golden.ask.history ?? []) items.knownIndexOf(own); // nothing may be skipped here
  const found = await answers.scores(golden.ask);
  const ofItems = golden.items.map((own) => found[items.knownIndexOf(own)] as number);
  const ofScores = largestDifference(ofItems, golden.scores);
  const ofShares = await sharesDifference(golden, answers);
  const strays = straysOf(golden, found, k, items, 2 * tolerance);
  let problem = "";
  if (ofScores > tolerance) problem = `a score differs by ${short(ofScores)}`;
  else if (ofShares > tolerance) problem = `a share differs by ${short(ofShares)}`;
  else if (strays.length) problem = `${strays.join(", ")} in the top ${k}`;
  return { error: Math.max(ofScores, ofShares), problem };
}

async function sharesDifference({ ask, why }: GoldenCase, { shares }: Answers): Promise<number> {
  if (!why || !shares || !ask.history) return 0;
  return largestDifference(await shares(ask.history, why.item), why.shares);
}

/** The largest of the differences between entries; as large as can be where one has no counterpart. */
export function largestDifference(found: ArrayLike<number>, expected: Float64Array): number {
  if (found.length !== expected.length) return Infinity;
  return expected.reduce(
    (largest, value, place) => Math.max(largest, Math.abs((found[place] as number) - value)),
    0,
  );
}

/** Items of the computed top k that are neither in the expected one nor close to its last score. */
function straysOf(golden: GoldenCase, found: Float32Array, k: number, items: Ids, margin: number): OwnId[] {
  const expected = new Set(golden.top.map((own) => items.knownIndexOf(own)));
  const last = golden.scores[k - 1] as number; // there are at least k of them
  return topK(found, k)
    .filter((index) => !expected.has(index) && Math.abs((found[index] as number) - last) > margin)
    .map((index) => items.at(index));
}

function nameOf({ ask: { user, history } }: GoldenCase): string {
  return history ? `the history of ${history.length} from ${history[0]} on` : `user ${user}`;
}

function artifactOf(table: Table, k: number): GoldenArtifact {
  const cases = table.tables("cases", 1).map((entry) => caseOf(entry, k));
  return { tolerance: table.magnitude("tolerance"), cases };
}

function caseOf(table: Table, k: number): GoldenCase {
  const history = table.has("history") ? table.ids("history") : undefined;
  if (history && table.has("user")) table.fail("history", "no history beside a user");
  const [top, items, scores] = [table.ids("top"), table.ids("items"), table.numbers("scores")];
  if (top.length !== k || top.some((own, place) => own !== items[place])) {
    table.fail("items", `the ${k} ids of 'top' first, as many as 'k' says`);
  }
  if (scores.length !== items.length) table.fail("scores", `${items.length} scores, one for each of 'items'`);
  const ask: Ask = history ? { history } : { user: table.id("user") };
  return table.has("why")
    ? { ask, top, items, scores, why: whyOf(table, history) }
    : { ask, top, items, scores };
}

function whyOf(table: Table, history: readonly OwnId[] | undefined): { item: OwnId; shares: Float64Array } {
  if (!history) table.fail("why", "no 'why' without a history");
  const entry = table.table("why");
  const shares = entry.numbers("shares");
  if (shares.length !== history.length)
    entry.fail("shares", `${history.length} shares, one for each of 'history'`);
  return { item: entry.id("item"), shares };
}
