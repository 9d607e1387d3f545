/** The k best of many scores. */

/**
 * Indices of the `k` highest `scores` (no NaN): highest first, ties by lowest index.
 *
 * Expects 1 ≤ k ≤ n. A heap holds the best so far, its root the worst of them, so most scores cost one
 * comparison.
 */
export function topK(scores: Float32Array | Float64Array, k: number): number[] {
  const heap: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    if (heap.length < k) {
      heap.push(index);
      rise(heap, scores);
    } else if ((scores[index] as number) > (scores[heap[0] as number] as number)) {
      heap[0] = index; // an equal score comes later and so has to stay out
      sink(heap, scores);
    }
  }
  return heap.sort((left, right) => (isWorse(scores, left, right) ? 1 : -1));
}

/** Whether the score at `left` comes after that at `right`. The indices are within `scores`. */
function isWorse(scores: Float32Array | Float64Array, left: number, right: number): boolean {
  const difference = (scores[left] as number) - (scores[right] as number);
  // The difference of two equal infinities is NaN, which is neither: then, too, the index decides.
  return difference < 0 || (!(difference > 0) && left > right);
}

function rise(heap: number[], scores: Float32Array | Float64Array): void {
  let place = heap.length - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if (!isWorse(scores, heap[place] as number, heap[parent] as number)) return;
    swap(heap, place, parent);
    place = parent;
  }
}

function sink(heap: number[], scores: Float32Array | Float64Array): void {
  let place = 0;
  for (;;) {
    let worst = place;
    for (const child of [2 * place + 1, 2 * place + 2]) {
      if (child < heap.length && isWorse(scores, heap[child] as number, heap[worst] as number)) worst = child;
    }
    if (worst === place) return;
    swap(heap, place, worst);
    place = worst;
  }
}

function swap(heap: number[], left: number, right: number): void {
  const kept = heap[left] as number;
  heap[left] = heap[right] as number;
  heap[right] = kept;
}
