/** Top-k selection. */

/**
 * Indices of the `k` highest `scores` (no NaN): highest first, ties by lowest index.
 *
 * Expects 1 ≤ k ≤ n. A min-heap holds the best scores so far, so most scores need a single comparison with
 * its root.
 */
export function topK(scores: Float32Array | Float64Array, k: number): number[] {
  const heap: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    if (heap.length < k) {
      heap.push(index);
      siftUp(heap, scores);
    } else if ((scores[index] as number) > (scores[heap[0] as number] as number)) {
      heap[0] = index; // an equal score has a higher index and is not inserted
      siftDown(heap, scores);
    }
  }
  return heap.sort((left, right) => (isWorse(scores, left, right) ? 1 : -1));
}

/** Whether the score at `left` ranks below the score at `right`. */
function isWorse(scores: Float32Array | Float64Array, left: number, right: number): boolean {
  const difference = (scores[left] as number) - (scores[right] as number);
  // The difference of two equal infinities is NaN; the index then decides as well.
  return difference < 0 || (!(difference > 0) && left > right);
}

function siftUp(heap: number[], scores: Float32Array | Float64Array): void {
  let position = heap.length - 1;
  while (position > 0) {
    const parent = (position - 1) >> 1;
    if (!isWorse(scores, heap[position] as number, heap[parent] as number)) return;
    swap(heap, position, parent);
    position = parent;
  }
}

function siftDown(heap: number[], scores: Float32Array | Float64Array): void {
  let position = 0;
  for (;;) {
    let worst = position;
    for (const child of [2 * position + 1, 2 * position + 2]) {
      if (child < heap.length && isWorse(scores, heap[child] as number, heap[worst] as number)) worst = child;
    }
    if (worst === position) return;
    swap(heap, position, worst);
    position = worst;
  }
}

function swap(heap: number[], left: number, right: number): void {
  const previous = heap[left] as number;
  heap[left] = heap[right] as number;
  heap[right] = previous;
}
