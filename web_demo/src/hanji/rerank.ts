/** Maximal marginal relevance (Carbonell and Goldstein 1998): good items that are not all alike. */

/** Candidates for each item that is asked for. */
export const CANDIDATES = 10;

/**
 * Positions of `k` of the candidates, in the order in which they are chosen.
 *
 * `scores` ([n], highest first) and `genres` belong to the candidates. Each step takes the highest (1 -
 * diversity) · relevance - diversity · largest similarity to one already chosen; ties by position. Relevance
 * is the score scaled to [0, 1] over the candidates, similarity the cosine of two sets of genres, 0 for an
 * item without.
 */
export function diversified(
  scores: Float64Array,
  genres: readonly (readonly string[])[],
  k: number,
  diversity: number,
): number[] {
  const sets = genres.map((names) => new Set(names));
  const relevance = scaled(scores).map((value) => (1 - diversity) * value);
  const nearest = new Float64Array(scores.length); // no similarity is below 0
  const chosen: number[] = [];
  while (chosen.length < Math.min(k, scores.length)) {
    const best = mostWorth(relevance, nearest, diversity, new Set(chosen));
    chosen.push(best);
    for (const [place, set] of sets.entries()) {
      nearest[place] = Math.max(nearest[place] as number, cosine(set, sets[best] as Set<string>));
    }
  }
  return chosen;
}

function mostWorth(
  relevance: Float64Array,
  nearest: Float64Array,
  diversity: number,
  taken: Set<number>,
): number {
  let best = -1;
  let highest = -Infinity;
  for (let place = 0; place < relevance.length; place++) {
    const worth = (relevance[place] as number) - diversity * (nearest[place] as number);
    if (worth > highest && !taken.has(place)) [best, highest] = [place, worth];
  }
  return best;
}

function scaled(scores: Float64Array): Float64Array {
  const smallest = scores.reduce((left, right) => Math.min(left, right), Infinity);
  const spread = scores.reduce((left, right) => Math.max(left, right), -Infinity) - smallest;
  return scores.map((value) => (value - smallest) / (spread > 0 ? spread : 1));
}

/**
 * Each genre adds the product of two unit vectors' entries, as Python adds them: not one division at the end.
 */
function cosine(left: Set<string>, right: Set<string>): number {
  const product = (1 / Math.sqrt(Math.max(left.size, 1))) * (1 / Math.sqrt(Math.max(right.size, 1)));
  let sum = 0;
  for (const genre of left) if (right.has(genre)) sum += product;
  return sum;
}
