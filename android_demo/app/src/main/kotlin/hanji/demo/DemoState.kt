package hanji.demo

import android.content.Context
import android.os.Bundle

/** The state that survives configuration changes: models, their thread, and the state of the screens. */
class DemoState(context: Context, saved: Bundle?) {
    private val worker = Worker()
    private val models = Models { folder -> AssetSource(context.assets, folder) }
    val recommend = RecommendState(worker, models, History(context))
    val classify = ClassifyState(worker, models, context.contentResolver)
    val selfTest = SelfTestState(worker) { folder -> AssetSource(context.assets, folder) }

    init {
        classify.restore(saved?.getFloatArray(DRAWING))
        recommend.open()
    }

    fun save(saved: Bundle) = saved.putFloatArray(DRAWING, classify.drawing.value.packed())

    /** Close the models after all pending work. */
    fun end() = worker.end(models::close)

    private companion object {
        const val DRAWING = "drawing"
    }
}
