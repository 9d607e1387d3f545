package hanji.demo

import hanji.Pixels
import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.min

/** A point on the board: x to the right and y downwards, both in [0, 1]. */
class Point(val x: Float, val y: Float)

/**
 * An immutable drawing of strokes, white on black like the digits of the training data.
 */
class Drawing(val strokes: List<List<Point>> = emptyList()) {
    val isEmpty: Boolean get() = strokes.isEmpty()

    fun begun(at: Point) = Drawing(strokes + listOf(listOf(at)))

    /** Extends the last stroke by [points]. */
    fun continued(points: List<Point>): Drawing =
        if (isEmpty) this else Drawing(strokes.dropLast(1) + listOf(strokes.last() + points))

    /**
     * Serializes the drawing for an Android Bundle: for each stroke the number of points, then x and y of
     * each.
     */
    fun packed(): FloatArray =
        strokes
            .flatMap { stroke -> listOf(stroke.size.toFloat()) + stroke.flatMap { listOf(it.x, it.y) } }
            .toFloatArray()

    /**
     * Renders the drawing for the model, grey, [SIDE] × [SIDE]: centred and scaled to fill the frame, with a
     * pen width that does not depend on the scale.
     */
    fun pixels(): Pixels {
        val values = ByteArray(SIDE * SIDE)
        val fitted = fitted()
        for (stroke in fitted) {
            for ((from, to) in stroke.zip(stroke.drop(1) + stroke.takeLast(1))) draw(values, from, to)
        }
        return Pixels(values, SIDE, SIDE, 1)
    }

    /** Centres the strokes in the frame and scales the longer side to the size of the frame. */
    private fun fitted(): List<List<Point>> {
        val points = strokes.flatten()
        if (points.isEmpty()) return emptyList()
        val left = points.minOf { it.x }
        val right = points.maxOf { it.x }
        val top = points.minOf { it.y }
        val bottom = points.maxOf { it.y }
        val zoom = min((1 - PEN) / max(max(right - left, bottom - top), 1e-6f), MAX_ZOOM)
        val middle = Point((left + right) / 2, (top + bottom) / 2)
        return strokes.map { stroke ->
            stroke.map { Point(0.5f + (it.x - middle.x) * zoom, 0.5f + (it.y - middle.y) * zoom) }
        }
    }

    companion object {
        /** Pen width, relative to the side of the board. */
        const val PEN = 0.1f
        private const val SIDE = 224

        /** A dot must not be scaled up to a blob. */
        private const val MAX_ZOOM = 3f

        /** Deserializes the result of [packed]; an empty drawing for null or invalid data. */
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

        /** Draws a line with round caps and an antialiased edge. */
        private fun draw(values: ByteArray, from: Point, to: Point) {
            val radius = PEN * SIDE / 2
            val columns = span(from.x, to.x, radius)
            for (row in span(from.y, to.y, radius)) {
                for (column in columns) {
                    val distance = distance(column + 0.5f, row + 0.5f, from, to)
                    val value = (255 * (radius + 0.5f - distance).coerceIn(0f, 1f)).toInt()
                    val index = row * SIDE + column
                    if (value > values[index].toInt() and 255) values[index] = value.toByte()
                }
            }
        }

        private fun span(one: Float, other: Float, radius: Float): IntRange {
            val first = (min(one, other) * SIDE - radius - 1).toInt().coerceAtLeast(0)
            val last = (max(one, other) * SIDE + radius + 1).toInt().coerceAtMost(SIDE - 1)
            return first..last
        }

        /** The distance of the pixel at ([x], [y]) from a line segment, in pixels. */
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
