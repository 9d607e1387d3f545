/** Ranks items by score: exclusion, filtering and diversification. */

import { HanjiError } from "./errors.ts";
import type { Items } from "./ids.ts";
import { CANDIDATES, diversified } from "./rerank.ts";
import { shown } from "./text.ts";
import { topK } from "./top_k.ts";
import type { Item } from "./types.ts";

/** A filtered ranking searches the top 64 first, then eight times more until enough items pass. */
const INITIAL_DEPTH = 64;
const DEPTH_FACTOR = 8;

/**
 * Options of a ranking; the items in `excluded` and `seen` (distinct int32 indices) are left out.
 */
export interface RankingOptions {
  k: number;
  excluded: Int32Array;
  seen: Int32Array;
  filter: ((item: Item) => boolean) | undefined;
  diversity: number;
}

/** HanjiError if `k` or `diversity` is out of range for a catalogue of `items` items. */
export function checkRankingOptions(options: RankingOptions, items: number): void {
  const { k, excluded, diversity } = options;
  const available = items - excluded.length;
  if (!Number.isSafeInteger(k) || k < 1 || k > available) {
    const without = excluded.length ? `, ${excluded.length} of them excluded` : "";
    throw new HanjiError(
      `k=${shown(k)}: expected 1 to ${available}: the catalogue has ${items} items${without}`,
    );
  }
  if (!(diversity >= 0 && diversity < 1)) {
    throw new HanjiError(`diversity: expected 0 or more and less than 1, found ${shown(diversity)}`);
  }
}

/**
 * Indices of the `k` best eligible items, best first; fewer if fewer are eligible.
 *
 * Modifies `scores` ([items]): the scores of excluded items are set to -Infinity.
 */
export function ranking(
  scores: Float32Array | Float64Array,
  items: Items,
  options: RankingOptions,
): number[] {
  const available = scores.length - mask(scores, options);
  const { k, filter, diversity } = options;
  const wanted = Math.min(diversity ? k * CANDIDATES : k, available);
  if (wanted === 0) return [];
  const candidates = filter ? firstPassing(scores, items, filter, wanted, available) : topK(scores, wanted);
  if (!diversity || candidates.length === 0) return candidates;
  const values = Float64Array.from(candidates, (index) => scores[index] as number);
  const genres = candidates.map((index) => items.genresOf(index));
  return diversified(values, genres, k, diversity).map((position) => candidates[position] as number);
}

/** The note on why fewer than `k` items were found; empty if `k` were found. */
export function shortageNote(found: number, { k, seen, excluded, filter }: RankingOptions): string {
  if (found === k) return "";
  const causes = [];
  if (seen.length) causes.push("are in the history");
  if (excluded.length) causes.push("are excluded");
  if (filter) causes.push("do not pass the filter");
  return `only ${found} of the ${k} requested items: all others ${causes.join(" or ")}`;
}

/** Sets the scores of excluded and seen items to -Infinity, and returns the number of distinct items. */
function mask(scores: Float32Array | Float64Array, { excluded, seen }: RankingOptions): number {
  let masked = 0;
  for (const index of [...excluded, ...seen]) {
    if (scores[index] !== -Infinity) masked++;
    scores[index] = -Infinity;
  }
  return masked;
}

/** The first `wanted` items that pass the filter, in descending order of score. */
function firstPassing(
  scores: Float32Array | Float64Array,
  items: Items,
  passes: (item: Item) => boolean,
  wanted: number,
  available: number,
): number[] {
  const found: number[] = [];
  for (const index of byDescendingScore(scores, available)) {
    const item = { id: items.ids.at(index), title: items.title(index), genres: items.genresOf(index) };
    if (passes(item)) found.push(index);
    if (found.length === wanted) break;
  }
  return found;
}

/** Lazily yields the indices of the `available` highest scores, best first. */
function* byDescendingScore(scores: Float32Array | Float64Array, available: number): Generator<number> {
  let done = 0;
  for (let depth = INITIAL_DEPTH; done < available; depth *= DEPTH_FACTOR) {
    const searched = Math.min(depth, available);
    yield* topK(scores, searched).slice(done);
    done = searched;
  }
}
