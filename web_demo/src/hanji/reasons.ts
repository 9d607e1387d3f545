/** From what each item of a history brought to a score to the reasons that are shown. */

import type { Items } from "./ids.ts";
import { topK } from "./top_k.ts";
import type { Reason } from "./types.ts";

/**
 * The `k` items of the history that raised the score most, fewer if fewer raised it.
 *
 * `contributions` (float32 [n]) belong to the item indices `seen`. An item that lowered the score is no
 * reason for it: shares are parts of the sum of the positive contributions.
 */
export function reasons(contributions: Float32Array, seen: Int32Array, items: Items, k: number): Reason[] {
  const raised = contributions.reduce((sum, value) => (value > 0 ? sum + value : sum), 0);
  const best = topK(contributions, Math.min(k, seen.length));
  return best
    .map((place) => ({ contribution: contributions[place] as number, index: seen[place] as number }))
    .filter(({ contribution }) => contribution > 0)
    .map(({ contribution, index }) => ({
      item: items.ids.at(index),
      title: items.title(index),
      share: contribution / raised,
      contribution,
    }));
}
