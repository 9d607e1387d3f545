package hanji.demo

import android.os.Handler
import android.os.Looper
import java.util.concurrent.Executors

/**
 * The single background thread on which models are opened, run and closed.
 *
 * Outcomes are delivered on the main thread, in the order of submission.
 */
class Worker {
    private val main = Handler(Looper.getMainLooper())
    private val executor = Executors.newSingleThreadExecutor { work -> Thread(work, "hanji-models") }

    /** Runs [work] on the background thread, then [done] on the main thread. */
    fun <T> submit(work: () -> T, done: (Outcome<T>) -> Unit) {
        executor.execute {
            val outcome = outcomeOf(work)
            main.post { done(outcome) }
        }
    }

    /** Runs [last] after all submitted work, then shuts down. */
    fun end(last: () -> Unit) {
        executor.execute(last)
        executor.shutdown()
    }
}

/** The outcome of submitted work. */
sealed class Outcome<out T> {
    class Done<T>(val value: T) : Outcome<T>()

    /** [message] states what was expected, what was found and what to try. */
    class Failed(val message: String) : Outcome<Nothing>()
}

/**
 * The outcome of [work]. Besides exceptions, LinkageError (an APK without its native library) and
 * OutOfMemoryError (a huge image) are reported to the user instead of crashing the app.
 */
fun <T> outcomeOf(work: () -> T): Outcome<T> =
    try {
        Outcome.Done(work())
    } catch (error: Exception) {
        Outcome.Failed(error.message ?: error.javaClass.name)
    } catch (error: LinkageError) {
        Outcome.Failed("the engine's native library cannot be loaded: ${error.message}")
    } catch (error: OutOfMemoryError) {
        Outcome.Failed("out of memory: ${error.message}")
    }
