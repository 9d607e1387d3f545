package hanji.demo

import android.os.Handler
import android.os.Looper
import java.util.concurrent.Executors

/**
 * The one thread on which models are opened, asked and closed; the main thread only draws.
 *
 * Answers come back on the main thread, in the order of the questions.
 */
class Worker {
    private val main = Handler(Looper.getMainLooper())
    private val executor = Executors.newSingleThreadExecutor { work -> Thread(work, "hanji-models") }

    /** Do [work] on the models' thread, then [done] on the main thread. */
    fun <T> ask(work: () -> T, done: (Outcome<T>) -> Unit) {
        executor.execute {
            val outcome = outcomeOf(work)
            main.post { done(outcome) }
        }
    }

    /** Do [last] after all that was asked, then end; nothing can be asked any more. */
    fun end(last: () -> Unit) {
        executor.execute(last)
        executor.shutdown()
    }
}

/** What came of a piece of work. */
sealed class Outcome<out T> {
    class Done<T>(val value: T) : Outcome<T>()

    /** [message] says what was expected, what was found and what to try. */
    class Failed(val message: String) : Outcome<Nothing>()
}

/**
 * The outcome of [work]. Besides exceptions, LinkageError (an APK without its native library) and
 * OutOfMemoryError (a huge picture) are told to the person instead of ending the app.
 */
fun <T> outcomeOf(work: () -> T): Outcome<T> =
    try {
        Outcome.Done(work())
    } catch (error: Exception) {
        Outcome.Failed(error.message ?: error.javaClass.name)
    } catch (error: LinkageError) {
        Outcome.Failed("the engine's native library cannot be loaded: ${error.message}")
    } catch (error: OutOfMemoryError) {
        Outcome.Failed("this does not fit into the app's memory: ${error.message}")
    }
