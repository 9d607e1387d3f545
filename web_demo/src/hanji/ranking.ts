/** From the scores of a catalogue to the items that are shown: what is left out, filtered and spread. */

import { HanjiError } from "./errors.ts";
import type { Items } from "./ids.ts";
import { CANDIDATES, diversified } from "./rerank.ts";
import { shown } from "./text.ts";
import { topK } from "./top_k.ts";
import type { Item } from "./types.ts";

const FIRST_LOOK = 64;
/** A filter that lets little through costs a few more looks, each eight times deeper. */
const GROWTH = 8;

/**
 * How the ranking is to be; `excluded` and `seen` (int32, each index once) are items that may not be in it.
 */
export interface Wishes {
  k: number;
  excluded: Int32Array;
  seen: Int32Array;
  filter: ((item: Item) => boolean) | undefined;
  diversity: number;
}

/** HanjiError for a `k` or a `diversity` that cannot be had from a catalogue of `items`. */
export function checkWishes(wishes: Wishes, items: number): void {
  const { k, excluded, diversity } = wishes;
  const available = items - excluded.length;
  if (!Number.isSafeInteger(k) || k < 1 || k > available) {
    const without = excluded.length ? `, ${excluded.length} of them excluded` : "";
    throw new HanjiError(
      `k=${shown(k)}: expected 1 to ${available}: the catalogue holds ${items} items${without}`,
    );
  }
  if (!(diversity >= 0 && diversity < 1)) {
    throw new HanjiError(`diversity: expected 0 or more and less than 1, found ${shown(diversity)}`);
  }
}

/**
 * Indices of the items to show, best first: `k` of them, or fewer if no more may be shown.
 *
 * Changes `scores` ([items]): what is left out falls below every finite score.
 */
export function ranking(scores: Float32Array | Float64Array, items: Items, wishes: Wishes): number[] {
  const available = scores.length - hide(scores, wishes);
  const { k, filter, diversity } = wishes;
  const wanted = Math.min(diversity ? k * CANDIDATES : k, available);
  if (wanted === 0) return [];
  const candidates = filter ? firstThatPass(scores, items, filter, wanted, available) : topK(scores, wanted);
  if (!diversity || candidates.length === 0) return candidates;
  const values = Float64Array.from(candidates, (index) => scores[index] as number);
  const genres = candidates.map((index) => items.genresOf(index));
  return diversified(values, genres, k, diversity).map((place) => candidates[place] as number);
}

/** What is said if fewer than `k` items may be shown, else nothing. */
export function shortageNote(found: number, { k, seen, excluded, filter }: Wishes): string {
  if (found === k) return "";
  const causes = [];
  if (seen.length) causes.push("are in the history");
  if (excluded.length) causes.push("are excluded");
  if (filter) causes.push("do not pass the filter");
  return `${found} of the ${k} items asked for: all others ${causes.join(" or ")}`;
}

/** Takes both out of the scores; how many items these are, each counted once. */
function hide(scores: Float32Array | Float64Array, { excluded, seen }: Wishes): number {
  let hidden = 0;
  for (const index of [...excluded, ...seen]) {
    if (scores[index] !== -Infinity) hidden++;
    scores[index] = -Infinity;
  }
  return hidden;
}

/** From the best score downwards, and no further than it takes. */
function firstThatPass(
  scores: Float32Array | Float64Array,
  items: Items,
  passes: (item: Item) => boolean,
  wanted: number,
  available: number,
): number[] {
  const found: number[] = [];
  for (const index of downwards(scores, available)) {
    const item = { id: items.ids.at(index), title: items.title(index), genres: items.genresOf(index) };
    if (passes(item)) found.push(index);
    if (found.length === wanted) break;
  }
  return found;
}

/** Indices of the `available` highest scores, best first, searched for as they are asked for. */
function* downwards(scores: Float32Array | Float64Array, available: number): Generator<number> {
  let done = 0;
  for (let depth = FIRST_LOOK; done < available; depth *= GROWTH) {
    const looked = Math.min(depth, available);
    yield* topK(scores, looked).slice(done);
    done = looked;
  }
}
