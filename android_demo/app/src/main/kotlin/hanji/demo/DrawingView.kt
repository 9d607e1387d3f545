package hanji.demo

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.Path
import android.util.AttributeSet
import android.view.MotionEvent
import android.view.View

/** A board to draw on with one finger, white on black; or the picture that was chosen in its place. */
class DrawingView(context: Context, attributes: AttributeSet) : View(context, attributes) {
    /** Told of each change of the drawing, and, with true, when the finger is lifted. */
    var onDraw: (Drawing, Boolean) -> Unit = { _, _ -> }

    private var drawing = Drawing()
    private var picture: Bitmap? = null
    private val path = Path()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = Color.WHITE
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
    }

    fun show(drawing: Drawing, picture: Bitmap?) {
        this.drawing = drawing
        this.picture = picture
        val words = when {
            picture != null -> R.string.board_with_picture
            drawing.isEmpty -> R.string.board
            else -> R.string.board_with_drawing
        }
        contentDescription = context.getString(words)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        canvas.drawColor(Color.BLACK)
        picture?.let { canvas.drawBitmap(it, fitting(it), null) }
        pen.strokeWidth = Drawing.PEN * width
        for (stroke in drawing.strokes) {
            path.rewind()
            path.moveTo(stroke[0].x * width, stroke[0].y * height)
            // A line of no length still gets its round ends: a dot.
            for (point in stroke) path.lineTo(point.x * width, point.y * height)
            canvas.drawPath(path, pen)
        }
    }

    /** Scales a picture until all of it is seen, in the middle of the board. */
    private fun fitting(picture: Bitmap): Matrix {
        val scale = minOf(width.toFloat() / picture.width, height.toFloat() / picture.height)
        val matrix = Matrix()
        matrix.setScale(scale, scale)
        matrix.postTranslate((width - scale * picture.width) / 2, (height - scale * picture.height) / 2)
        return matrix
    }

    override fun onTouchEvent(event: MotionEvent): Boolean {
        when (event.actionMasked) {
            MotionEvent.ACTION_DOWN -> {
                parent.requestDisallowInterceptTouchEvent(true)
                onDraw(drawing.begun(point(event.x, event.y)), false)
            }
            MotionEvent.ACTION_MOVE -> onDraw(drawing.continued(moved(event)), false)
            MotionEvent.ACTION_UP, MotionEvent.ACTION_CANCEL -> {
                onDraw(drawing.continued(moved(event)), true)
                if (event.actionMasked == MotionEvent.ACTION_UP) performClick()
            }
        }
        return true
    }

    override fun performClick(): Boolean {
        super.performClick()
        return true
    }

    private fun moved(event: MotionEvent): List<Point> =
        (0 until event.historySize).map { point(event.getHistoricalX(it), event.getHistoricalY(it)) } +
            point(event.x, event.y)

    private fun point(x: Float, y: Float) =
        Point((x / width.coerceAtLeast(1)).coerceIn(0f, 1f), (y / height.coerceAtLeast(1)).coerceIn(0f, 1f))
}
