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

/** A board for drawing with one finger, white on black, which can also show a chosen image. */
class DrawingView(context: Context, attributes: AttributeSet) : View(context, attributes) {
    /** Called after each change of the drawing; the second argument is true when the finger is lifted. */
    var onDraw: (Drawing, Boolean) -> Unit = { _, _ -> }

    private var drawing = Drawing()
    private var image: Bitmap? = null
    private val path = Path()
    private val pen = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = Color.WHITE
        style = Paint.Style.STROKE
        strokeCap = Paint.Cap.ROUND
        strokeJoin = Paint.Join.ROUND
    }

    fun show(drawing: Drawing, image: Bitmap?) {
        this.drawing = drawing
        this.image = image
        val description = when {
            image != null -> R.string.board_with_image
            drawing.isEmpty -> R.string.board
            else -> R.string.board_with_drawing
        }
        contentDescription = context.getString(description)
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        canvas.drawColor(Color.BLACK)
        image?.let { canvas.drawBitmap(it, fitting(it), null) }
        pen.strokeWidth = Drawing.PEN * width
        for (stroke in drawing.strokes) {
            path.rewind()
            path.moveTo(stroke[0].x * width, stroke[0].y * height)
            // A line of zero length is drawn as a dot, because of its round caps.
            for (point in stroke) path.lineTo(point.x * width, point.y * height)
            canvas.drawPath(path, pen)
        }
    }

    /** Scales an image to fit into the board, and centres it. */
    private fun fitting(image: Bitmap): Matrix {
        val scale = minOf(width.toFloat() / image.width, height.toFloat() / image.height)
        val matrix = Matrix()
        matrix.setScale(scale, scale)
        matrix.postTranslate((width - scale * image.width) / 2, (height - scale * image.height) / 2)
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
