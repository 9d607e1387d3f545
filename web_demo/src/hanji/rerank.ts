/** Diversification by maximal marginal relevance (Carbonell and Goldstein 1998). */

/** Number of candidates per requested item. */
export const CANDIDATES = 10;

/**
 * Positions of `k` of the candidates, in the order in which they are selected.
 *
 * `scores` ([n], highest first) and `genres` describe the candidates. Each step selects the candidate with
 * the highest (1 - diversity) · relevance - diversity · maximum similarity to the selected ones; ties are
 * resolved by position. Relevance is the score scaled to [0, 1] over the candidates; similarity is the cosine
 * of the genre sets, 0 for an item without genres.
 */
export function diversified(
  scores: Float64Array,
  genres: readonly (readonly string[])[],
  k: number,
  diversity: number,
): number[] {
  const sets = genres.map((names) => new Set(names));
  const relevance = scaled(scores).map((value) => (1 - diversity) * value);
  const maxSimilarity = new Float64Array(scores.length); // similarities are non-negative
  const selected: number[] = [];
  while (selected.length < Math.min(k, scores.length)) {
    const best = bestCandidate(relevance, maxSimilarity, diversity, new Set(selected));
    selected.push(best);
    for (const [position, set] of sets.entries()) {
      const similarity = cosine(set, sets[best] as Set<string>);
      maxSimilarity[position] = Math.max(maxSimilarity[position] as number, similarity);
    }
  }
  return selected;
}

function bestCandidate(
  relevance: Float64Array,
  maxSimilarity: Float64Array,
  diversity: number,
  selected: Set<number>,
): number {
  let best = -1;
  let highest = -Infinity;
  for (let position = 0; position < relevance.length; position++) {
    const value = (relevance[position] as number) - diversity * (maxSimilarity[position] as number);
    if (value > highest && !selected.has(position)) [best, highest] = [position, value];
  }
  return best;
}

function scaled(scores: Float64Array): Float64Array {
  const smallest = scores.reduce((left, right) => Math.min(left, right), Infinity);
  const range = scores.reduce((left, right) => Math.max(left, right), -Infinity) - smallest;
  return scores.map((value) => (value - smallest) / (range > 0 ? range : 1));
}

/**
 * Cosine of two sets as unit vectors. Adds one product per common genre, in the same order as Python, so that
 * rounding is identical.
 */
function cosine(left: Set<string>, right: Set<string>): number {
  const product = (1 / Math.sqrt(Math.max(left.size, 1))) * (1 / Math.sqrt(Math.max(right.size, 1)));
  let sum = 0;
  for (const genre of left) if (right.has(genre)) sum += product;
  return sum;
}
