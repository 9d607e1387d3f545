package hanji.demo

import hanji.Pixels
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.min

/** A point on the board: x to the right and y downwards, both in [0, 1]. */
class Point(val x: Float, val y: Float)

/**
 * Strokes on a board; never changed, only replaced. White on black, as handwritten digits are trained on.
 */
class Drawing(val strokes: List<List<Point>> = emptyList()) {
    val isEmpty: Boolean get() = strokes.isEmpty()

    fun begun(at: Point) = Drawing(strokes + listOf(listOf(at)))

    /** The last stroke goes on to [points]. */
    fun continued(points: List<Point>): Drawing =
        if (isEmpty) this else Drawing(strokes.dropLast(1) + listOf(strokes.last() + points))

    /** Each stroke as its number of points, then x and y of each: for an Android Bundle. */
    fun packed(): FloatArray =
        strokes
            .flatMap { stroke -> listOf(stroke.size.toFloat()) + stroke.flatMap { listOf(it.x, it.y) } }
            .toFloatArray()

    /**
     * The drawing as the model is given it, grey, [SIDE] × [SIDE]: centred and enlarged until it fills the
     * frame, with a pen of one width whatever the size was that it was drawn in.
     */
    fun pixels(): Pixels {
        val levels = ByteArray(SIDE * SIDE)
        val fitted = fitted()
        for (stroke in fitted) {
            for ((from, to) in stroke.zip(stroke.drop(1) + stroke.takeLast(1))) draw(levels, from, to)
        }
        return Pixels(levels, SIDE, SIDE, 1)
    }

    /** The middle of the drawing moved to the middle of the frame, its longer side to the frame's edges. */
    private fun fitted(): List<List<Point>> {
        val points = strokes.flatten()
        if (points.isEmpty()) return emptyList()
        val left = points.minOf { it.x }
        val right = points.maxOf { it.x }
        val top = points.minOf { it.y }
        val bottom = points.maxOf { it.y }
        val zoom = min((1 - PEN) / max(max(right - left, bottom - top), 1e-6f), LARGEST_ZOOM)
        val middle = Point((left + right) / 2, (top + bottom) / 2)
        return strokes.map { stroke ->
            stroke.map { Point(0.5f + (it.x - middle.x) * zoom, 0.5f + (it.y - middle.y) * zoom) }
        }
    }

    companion object {
        /** Width of the pen, in parts of the board's side. */
        const val PEN = 0.1f
        private const val SIDE = 224

        /** A dot is not blown up to a blot. */
        private const val LARGEST_ZOOM = 3f

        /** What [packed] gave; an empty drawing for null or numbers that are none. */
        fun unpacked(numbers: FloatArray?): Drawing {
            val strokes = mutableListOf<List<Point>>()
            var at = 0
            while (numbers != null && at < numbers.size) {
                val count = numbers[at].toInt()
                if (count < 1 || at + 2 * count >= numbers.size) return Drawing()
                strokes += (0 until count).map { Point(numbers[at + 1 + 2 * it], numbers[at + 2 + 2 * it]) }
                at += 1 + 2 * count
            }
            return Drawing(strokes)
        }

        /** A line with round ends whose edge fades over one pixel. */
        private fun draw(levels: ByteArray, from: Point, to: Point) {
            val radius = PEN * SIDE / 2
            val columns = span(from.x, to.x, radius)
            for (row in span(from.y, to.y, radius)) {
                for (column in columns) {
                    val away = distance(column + 0.5f, row + 0.5f, from, to)
                    val level = (255 * (radius + 0.5f - away).coerceIn(0f, 1f)).toInt()
                    val place = row * SIDE + column
                    if (level > levels[place].toInt() and 255) levels[place] = level.toByte()
                }
            }
        }

        private fun span(one: Float, other: Float, radius: Float): IntRange {
            val first = (min(one, other) * SIDE - radius - 1).toInt().coerceAtLeast(0)
            val last = (max(one, other) * SIDE + radius + 1).toInt().coerceAtMost(SIDE - 1)
            return first..last
        }

        /** From the pixel at ([x], [y]) to the nearest point of a line, in pixels. */
        private fun distance(x: Float, y: Float, from: Point, to: Point): Float {
            val startX = from.x * SIDE
            val startY = from.y * SIDE
            val alongX = to.x * SIDE - startX
            val alongY = to.y * SIDE - startY
            val length = alongX * alongX + alongY * alongY
            val towards = (x - startX) * alongX + (y - startY) * alongY
            val part = if (length == 0f) 0f else (towards / length).coerceIn(0f, 1f)
            return hypot(x - startX - part * alongX, y - startY - part * alongY)
        }
    }
}
