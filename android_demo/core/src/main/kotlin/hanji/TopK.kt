package hanji

/**
 * Indices of the [k] highest [scores] ([n], no NaN): highest first, ties by lowest index. Expects k ≤ n.
 *
 * One pass with a heap of the k best so far, the worst of them on top.
 */
internal fun topK(scores: DoubleArray, k: Int): IntArray {
    if (k <= 0) return IntArray(0)
    val heap = IntArray(k) { it }
    for (place in k / 2 - 1 downTo 0) sink(scores, heap, place, k)
    for (index in k until scores.size) {
        if (scores[index] > scores[heap[0]]) { // an equal one comes later, so it is worse
            heap[0] = index
            sink(scores, heap, 0, k)
        }
    }
    for (end in k - 1 downTo 1) { // the worst goes last
        val worst = heap[0]
        heap[0] = heap[end]
        heap[end] = worst
        sink(scores, heap, 0, end)
    }
    return heap
}

private fun sink(scores: DoubleArray, heap: IntArray, start: Int, size: Int) {
    val sinking = heap[start]
    var place = start
    while (true) {
        var child = 2 * place + 1
        if (child >= size) break
        if (child + 1 < size && isWorse(scores, heap[child + 1], heap[child])) child++
        if (!isWorse(scores, heap[child], sinking)) break
        heap[place] = heap[child]
        place = child
    }
    heap[place] = sinking
}

private fun isWorse(scores: DoubleArray, left: Int, right: Int): Boolean =
    scores[left] < scores[right] || (scores[left] == scores[right] && left > right)
