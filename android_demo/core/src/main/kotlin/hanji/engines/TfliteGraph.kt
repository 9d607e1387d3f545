package hanji.engines

import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteSignatureRunner
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterAllocateTensors
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetInputTensorCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetOutputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetOutputTensorCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterGetSignatureRunner
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterInvoke
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterResizeInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerAllocateTensors
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputCount
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerGetOutputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerInvoke
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteSignatureRunnerResizeInputTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorName

/** A graph of a loaded file, with tensors by name. `Int` results are a status, which is 0 for success. */
internal interface TfliteGraph : AutoCloseable {
    val inputCount: Int

    fun input(name: String): TfLiteTensor?

    fun output(name: String): TfLiteTensor?

    fun resize(input: String, shape: IntArray): Int

    fun allocate(): Int

    fun invoke(): Int

    override fun close()
}

/** The graph of a signature, or, in a file without signatures, its only one, by the names of its tensors. */
internal fun graphOf(interpreter: TfLiteInterpreter, signature: String): TfliteGraph {
    if (TfLiteInterpreterGetSignatureCount(interpreter) == 0) return OnlyGraph(interpreter)
    return SignatureGraph(
        reported("finding signature '$signature'") {
            TfLiteInterpreterGetSignatureRunner(interpreter, signature)
        }
    )
}

private class SignatureGraph(private val runner: TfLiteSignatureRunner) : TfliteGraph {
    override val inputCount: Int get() = TfLiteSignatureRunnerGetInputCount(runner).toInt()

    override fun input(name: String): TfLiteTensor? = TfLiteSignatureRunnerGetInputTensor(runner, name)

    override fun output(name: String): TfLiteTensor? = TfLiteSignatureRunnerGetOutputTensor(runner, name)

    override fun resize(input: String, shape: IntArray): Int =
        TfLiteSignatureRunnerResizeInputTensor(runner, input, shape, shape.size)

    override fun allocate(): Int = TfLiteSignatureRunnerAllocateTensors(runner)

    override fun invoke(): Int = TfLiteSignatureRunnerInvoke(runner)

    override fun close() = TfLiteSignatureRunnerDelete(runner)
}

private class OnlyGraph(private val interpreter: TfLiteInterpreter) : TfliteGraph {
    private val inputs = names(TfLiteInterpreterGetInputTensorCount(interpreter)) {
        TfLiteInterpreterGetInputTensor(interpreter, it)
    }
    private val outputs = names(TfLiteInterpreterGetOutputTensorCount(interpreter)) {
        TfLiteInterpreterGetOutputTensor(interpreter, it)
    }
    override val inputCount: Int get() = inputs.size

    override fun input(name: String): TfLiteTensor? =
        index(inputs, name)?.let { TfLiteInterpreterGetInputTensor(interpreter, it) }

    override fun output(name: String): TfLiteTensor? =
        index(outputs, name)?.let { TfLiteInterpreterGetOutputTensor(interpreter, it) }

    override fun resize(input: String, shape: IntArray): Int =
        TfLiteInterpreterResizeInputTensor(interpreter, inputs.indexOf(input), shape, shape.size)

    override fun allocate(): Int = TfLiteInterpreterAllocateTensors(interpreter)

    override fun invoke(): Int = TfLiteInterpreterInvoke(interpreter)

    override fun close() = Unit

    private fun names(count: Int, tensor: (Int) -> TfLiteTensor): List<String> =
        List(count) { TfLiteTensorName(tensor(it))?.string ?: "" }

    private fun index(names: List<String>, name: String): Int? = names.indexOf(name).takeIf { it >= 0 }
}
