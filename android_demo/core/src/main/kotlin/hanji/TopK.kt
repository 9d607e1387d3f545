package hanji

/**
 * Indices of the [k] highest [scores] ([n], no NaN): highest first, ties by lowest index. Expects k ≤ n.
 *
 * One pass with a min-heap of the k best scores so far.
 */
internal fun topK(scores: DoubleArray, k: Int): IntArray {
    if (k <= 0) return IntArray(0)
    val heap = IntArray(k) { it }
    for (position in k / 2 - 1 downTo 0) siftDown(scores, heap, position, k)
    for (index in k until scores.size) {
        if (scores[index] > scores[heap[0]]) { // an equal score has a higher index and is not inserted
            heap[0] = index
            siftDown(scores, heap, 0, k)
        }
    }
    for (end in k - 1 downTo 1) { // moves the lowest score to the end
        val worst = heap[0]
        heap[0] = heap[end]
        heap[end] = worst
        siftDown(scores, heap, 0, end)
    }
    return heap
}

private fun siftDown(scores: DoubleArray, heap: IntArray, start: Int, size: Int) {
    val moved = heap[start]
    var position = start
    while (true) {
        var child = 2 * position + 1
        if (child >= size) break
        if (child + 1 < size && isWorse(scores, heap[child + 1], heap[child])) child++
        if (!isWorse(scores, heap[child], moved)) break
        heap[position] = heap[child]
        position = child
    }
    heap[position] = moved
}

private fun isWorse(scores: DoubleArray, left: Int, right: Int): Boolean =
    scores[left] < scores[right] || (scores[left] == scores[right] && left > right)
