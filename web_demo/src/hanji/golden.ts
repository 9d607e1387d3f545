/** The self-test: replays golden.json, the outputs of each artifact that were recorded at export. */

import type { ExternalId, Ids } from "./ids.ts";
import { Table } from "./json_table.ts";
import { formatNumber } from "./text.ts";
import { topK } from "./top_k.ts";
import type { Query, SelfTest } from "./types.ts";

/** The expected top k of one user or history, and the scores of `items`, which begin with the top k. */
export interface GoldenCase {
  query: Query;
  top: readonly ExternalId[];
  items: readonly ExternalId[];
  scores: Float64Array;
  /** The contribution of each item of the history to the score of `item`. */
  why?: { item: ExternalId; shares: Float64Array };
}

/** The recorded cases of one artifact, and the tolerance of their scores. */
export interface GoldenArtifact {
  tolerance: number;
  cases: readonly GoldenCase[];
}

export interface Golden {
  k: number;
  /** By artifact format, for the artifacts that ran at export. */
  artifacts: ReadonlyMap<string, GoldenArtifact>;
}

/** The model calls that are compared with the recorded outputs. */
export interface ModelCalls {
  /** Float32 [items]. */
  scores: (query: Query) => Promise<Float32Array>;
  /**
   * Float32 [n], for a history of n; null if the engine cannot compute shares, which are then not compared.
   */
  shares: ((history: readonly ExternalId[], item: ExternalId) => Promise<Float32Array>) | null;
}

/** Parses golden.json; BundleError naming the field if it is malformed. */
export function parseGolden(content: Uint8Array, where = "golden.json"): Golden {
  const table = Table.parse(content, where);
  const k = table.integer("k", 1, 2 ** 31 - 1);
  const entries = [...table.namedTables("artifacts")].map(
    ([name, entry]) => [name, artifactOf(entry, k)] as const,
  );
  return { k, artifacts: new Map(entries) };
}

/** The result of the self-test of an artifact that is not in golden.json. */
export function notReplayed(where: string, format: string): SelfTest {
  const detail = `${where} has no cases for ${format}, which was not run at export`;
  return { passed: false, cases: 0, maxAbsError: 0, tolerance: 0, detail };
}

/** Compares the scores of each case, and the shares of the cases with a `why`. */
export async function replay(
  expected: GoldenArtifact,
  k: number,
  items: Ids,
  calls: ModelCalls,
): Promise<SelfTest> {
  const { tolerance, cases } = expected;
  const problems: string[] = [];
  let largest = 0;
  for (const each of cases) {
    const { error, problem } = await replayCase(each, tolerance, k, items, calls);
    largest = Math.max(largest, error);
    if (problem) problems.push(`${nameOf(each)}: ${problem}`);
  }
  const what = cases[0]?.query.history ? "histories" : "users";
  let detail =
    `${cases.length} ${what}, largest difference ${formatNumber(largest)}` +
    ` (tolerance ${formatNumber(tolerance)})`;
  if (!calls.shares && cases.some(({ why }) => why))
    detail += "; shares were not compared: this engine cannot compute them";
  if (problems.length) detail += `; ${problems.length} failed, first: ${problems[0]}`;
  return { passed: problems.length === 0, cases: cases.length, maxAbsError: largest, tolerance, detail };
}

async function replayCase(golden: GoldenCase, tolerance: number, k: number, items: Ids, calls: ModelCalls) {
  for (const id of golden.query.history ?? []) items.knownIndexOf(id); // unknown ids must not be skipped here
  const scores = await calls.scores(golden.query);
  const found = golden.items.map((id) => scores[items.knownIndexOf(id)] as number);
  const scoreError = largestDifference(found, golden.scores);
  const shareError = await shareDifference(golden, calls);
  const unexpected = unexpectedItems(golden, scores, k, items, 2 * tolerance);
  let problem = "";
  if (scoreError > tolerance) problem = `a score differs by ${formatNumber(scoreError)}`;
  else if (shareError > tolerance) problem = `a share differs by ${formatNumber(shareError)}`;
  else if (unexpected.length) problem = `unexpected items in the top ${k}: ${unexpected.join(", ")}`;
  return { error: Math.max(scoreError, shareError), problem };
}

async function shareDifference({ query, why }: GoldenCase, { shares }: ModelCalls): Promise<number> {
  if (!why || !shares || !query.history) return 0;
  return largestDifference(await shares(query.history, why.item), why.shares);
}

/** The largest absolute difference between entries, divided by `sizes`; Infinity if the lengths differ. */
export function largestDifference(
  found: ArrayLike<number>,
  expected: Float64Array,
  sizes?: Float64Array,
): number {
  if (found.length !== expected.length) return Infinity;
  return expected.reduce((largest, value, index) => {
    const difference = Math.abs(((found[index] as number) - value) / (sizes?.[index] ?? 1));
    return Math.max(largest, difference);
  }, 0);
}

/** Items of the computed top k that are not in the expected one and whose score is not close to its last. */
function unexpectedItems(
  golden: GoldenCase,
  scores: Float32Array,
  k: number,
  items: Ids,
  margin: number,
): ExternalId[] {
  const expected = new Set(golden.top.map((id) => items.knownIndexOf(id)));
  const last = golden.scores[k - 1] as number; // there are at least k of them
  return topK(scores, k)
    .filter((index) => !expected.has(index) && Math.abs((scores[index] as number) - last) > margin)
    .map((index) => items.at(index));
}

function nameOf({ query: { user, history } }: GoldenCase): string {
  return history ? `history of ${history.length} items starting with ${history[0]}` : `user ${user}`;
}

function artifactOf(table: Table, k: number): GoldenArtifact {
  const cases = table.tables("cases", 1).map((entry) => caseOf(entry, k));
  return { tolerance: table.magnitude("tolerance"), cases };
}

function caseOf(table: Table, k: number): GoldenCase {
  const history = table.has("history") ? table.ids("history") : undefined;
  if (history && table.has("user")) table.fail("history", "either a user or a history, not both");
  const [top, items, scores] = [table.ids("top"), table.ids("items"), table.numbers("scores")];
  if (top.length !== k || top.some((id, index) => id !== items[index])) {
    table.fail("items", `the ${k} ids of 'top' first ('k' is ${k})`);
  }
  if (scores.length !== items.length)
    table.fail("scores", `${items.length} scores, one per entry of 'items'`);
  const query: Query = history ? { history } : { user: table.id("user") };
  return table.has("why")
    ? { query, top, items, scores, why: whyOf(table, history) }
    : { query, top, items, scores };
}

function whyOf(
  table: Table,
  history: readonly ExternalId[] | undefined,
): { item: ExternalId; shares: Float64Array } {
  if (!history) table.fail("why", "no 'why' without a history");
  const entry = table.table("why");
  const shares = entry.numbers("shares");
  if (shares.length !== history.length)
    entry.fail("shares", `${history.length} shares, one per entry of 'history'`);
  return { item: entry.id("item"), shares };
}
