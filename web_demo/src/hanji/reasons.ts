/** Converts the contributions of history items to reasons for a recommendation. */

import type { Items } from "./ids.ts";
import { topK } from "./top_k.ts";
import type { Reason } from "./types.ts";

/**
 * The `k` items of the history with the largest positive contributions; fewer if fewer are positive.
 *
 * `contributions` (float32 [n]) correspond to the item indices in `seen`. Shares are relative to the sum of
 * the positive contributions.
 */
export function reasons(contributions: Float32Array, seen: Int32Array, items: Items, k: number): Reason[] {
  const total = contributions.reduce((sum, value) => (value > 0 ? sum + value : sum), 0);
  const best = topK(contributions, Math.min(k, seen.length));
  return best
    .map((position) => ({ contribution: contributions[position] as number, index: seen[position] as number }))
    .filter(({ contribution }) => contribution > 0)
    .map(({ contribution, index }) => ({
      item: items.ids.at(index),
      title: items.title(index),
      share: contribution / total,
      contribution,
    }));
}
