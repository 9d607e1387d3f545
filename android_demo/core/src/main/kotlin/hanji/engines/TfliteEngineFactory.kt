package hanji.engines

import hanji.Artifact
import hanji.Engine
import hanji.EngineException
import hanji.EngineFactory
import hanji.EngineOptions
import hanji.Signature
import hanji.Tensor
import org.tensorflow.lite.Delegate
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.nnapi.NnApiDelegate
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * TensorFlow Lite (`org.tensorflow.lite.Interpreter`): runs the .tflite file of the bundle.
 *
 * In manifests, TensorFlow Lite up to 2.16 is "tflite-runtime" and its successor is "litert", each with the
 * minimum version that supports all operators of the file, so a file with int4 embeddings is rejected before
 * it is loaded. For Google's LiteRT package, which has the same classes, use `TfliteEngineFactory("litert",
 * "2.3.0")`. [delegates] maps the values of `EngineOptions.delegate` to constructors; a GPU delegate takes
 * one more entry.
 */
class TfliteEngineFactory(
    override val name: String = "tflite-runtime",
    override val version: String = "2.16.1",
    private val delegates: Map<String, () -> Delegate> = mapOf("nnapi" to { NnApiDelegate() }),
) : EngineFactory {

    override fun create(artifact: Artifact, files: Map<String, ByteArray>, options: EngineOptions): Engine {
        val delegate = options.delegate
        if (delegate != null && delegate !in delegates) {
            val known = delegates.keys.joinToString().ifEmpty { "none" }
            throw EngineException(
                "delegate: expected one of this app's delegates for $name ($known), found '$delegate'"
            )
        }
        val library = TfliteLibrary(name, version, "org.tensorflow:tensorflow-lite") { content, isDelegated ->
            val made = if (isDelegated) delegates.getValue(delegate!!)() else null
            GoogleTfliteModel(content, options.threads, made)
        }
        return openTflite(library, artifact, files, options)
    }
}

/** A loaded model file; its methods throw RuntimeException, like those of the interpreter. */
private class GoogleTfliteModel(
    content: ByteArray,
    threads: Int,
    private val delegate: Delegate?,
) : TfliteModel {
    private val interpreter: Interpreter
    override val isDelegated: Boolean get() = delegate != null

    init {
        val model = direct(content.size).put(content)
        val settings = Interpreter.Options().setNumThreads(threads)
        if (delegate != null) settings.addDelegate(delegate)
        try {
            interpreter = Interpreter(model, settings)
        } catch (error: RuntimeException) {
            delegate?.close()
            throw error
        }
    }

    /** Nothing is compared before the first call. */
    override fun expectTensors(signature: Signature) = Unit

    /**
     * Indices are passed as a Java array, to whose length the interpreter resizes a dynamic input. Images are
     * passed as a buffer, because nested Java arrays would be slow. The output is written to a buffer, whose
     * size, unlike that of an array, can be chosen for a dynamic shape.
     */
    override fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor {
        val given = inputs.mapValues { argument(it.value) }
        val output = signature.outputs[0]
        val dynamicSizes = signature.inputs.mapNotNull { info -> dynamicSize(info.shape, inputs[info.name]) }
        val dynamicSize = dynamicSizes.firstOrNull() ?: 1
        val shape = IntArray(output.shape.size) { output.shape[it] ?: dynamicSize }
        val count = Tensor.countOf(shape)
        val data = Tensor.arrayOf(output.dtype, count)
        val buffer = direct(if (data is ByteArray) count else 4 * count)
        if (signature.name in interpreter.signatureKeys) {
            interpreter.runSignature(given, mapOf(output.name to buffer), signature.name)
        } else {
            runWithoutSignature(given, output.name, buffer)
        }
        // The interpreter may or may not have moved the position of the buffer.
        (buffer as Buffer).rewind()
        read(buffer, data)
        return Tensor(output.dtype, shape, data)
    }

    override fun close() {
        interpreter.close()
        delegate?.close()
    }

    /** Runs a file without signatures by the names of its tensors. */
    private fun runWithoutSignature(given: Map<String, Any>, output: String, buffer: ByteBuffer) {
        val arguments = arrayOfNulls<Any>(given.size)
        for ((name, value) in given) arguments[interpreter.getInputIndex(name)] = value
        interpreter.runForMultipleInputsOutputs(
            arguments, mapOf(interpreter.getOutputIndex(output) to buffer)
        )
    }

    private fun argument(tensor: Tensor): Any = when (val data = tensor.data) {
        is IntArray -> if (tensor.shape.size == 1) data else ints(data)
        is FloatArray -> direct(4 * data.size).also { it.asFloatBuffer().put(data) }
        is ByteArray -> direct(data.size).also { it.put(data) }.also { (it as Buffer).rewind() }
        else -> throw IllegalArgumentException("expected a tensor of float32, int32, uint8 or int8")
    }

    private fun ints(data: IntArray): ByteBuffer = direct(4 * data.size).also { it.asIntBuffer().put(data) }

    private fun direct(bytes: Int): ByteBuffer =
        ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

    private fun read(buffer: ByteBuffer, data: Any) {
        when (data) {
            is FloatArray -> buffer.asFloatBuffer().get(data)
            is IntArray -> buffer.asIntBuffer().get(data)
            is ByteArray -> buffer.get(data)
        }
    }

    /** The actual size of the dynamic dimension of an input, or null if it has none. */
    private fun dynamicSize(shape: List<Int?>, tensor: Tensor?): Int? {
        val axis = shape.indexOf(null)
        return if (axis < 0 || tensor == null || axis >= tensor.shape.size) null else tensor.shape[axis]
    }
}
