package org.tensorflow.lite

import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OnnxTensorLike
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtSession
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A fake of TensorFlow Lite's interpreter, whose native library only exists for Android.
 *
 * It has the methods of version 2.16.1 that the core calls, with the same argument checks: an array has a
 * shape, a buffer only a size. It runs the .onnx files of the bundle, which tests assign to [models]. So it
 * tests the calls of the core, not the outputs of TensorFlow Lite.
 */
class Interpreter(model: ByteBuffer, private val options: Options) : AutoCloseable {
    class Options {
        var threads = 0
        val delegates = ArrayList<Delegate>()

        fun setNumThreads(threads: Int): Options = also { it.threads = threads }

        fun addDelegate(delegate: Delegate): Options = also { it.delegates.add(delegate) }
    }

    private val sessions: Map<String, OrtSession>

    init {
        require(model.isDirect && model.order() == ByteOrder.nativeOrder()) {
            "Model ByteBuffer should be either a MappedByteBuffer of the model file, or a direct ByteBuffer"
        }
        if (fails("prepare")) throw IllegalArgumentException("out of cores")
        sessions = models.mapValues { OrtEnvironment.getEnvironment().createSession(it.value) }
        opened++
    }

    val signatureKeys: Array<String> get() = if (hasSignatures) sessions.keys.toTypedArray() else emptyArray()

    fun runSignature(inputs: Map<String, Any>, outputs: Map<String, Any>, key: String) {
        if (fails("run")) throw IllegalStateException("the core is gone")
        run(sessions[key] ?: throw IllegalArgumentException("no signature $key"), inputs, outputs)
    }

    fun getInputIndex(name: String): Int = index(sessions.values.first().inputNames, name)

    fun getOutputIndex(name: String): Int = index(sessions.values.first().outputNames, name)

    fun runForMultipleInputsOutputs(inputs: Array<Any?>, outputs: Map<Int, Any>) {
        val session = sessions.values.first()
        val names = session.inputNames.toList()
        val given = inputs.indices.associate { names[it] to inputs[it]!! }
        run(session, given, outputs.mapKeys { session.outputNames.toList()[it.key] })
    }

    override fun close() {
        sessions.values.forEach { it.close() }
        opened--
    }

    private fun fails(at: String) = options.delegates.isNotEmpty() && failure == at

    private fun index(names: Set<String>, name: String): Int =
        names.indexOf(name).also {
            require(it >= 0) { "Input error: '$name' is not a valid name for any input." }
        }

    private fun run(session: OrtSession, inputs: Map<String, Any>, outputs: Map<String, Any>) {
        val tensors: Map<String, OnnxTensorLike> = inputs.mapValues { tensor(session, it.key, it.value) }
        session.run(tensors, outputs.keys).use { result ->
            for ((name, target) in outputs) {
                val found = (result.get(name).get() as OnnxTensor).byteBuffer
                target as ByteBuffer
                require(found.remaining() <= target.capacity()) { "Cannot copy from a TensorFlowLite tensor" }
                target.put(found)
            }
        }
    }

    private fun tensor(session: OrtSession, name: String, value: Any): OnnxTensor {
        val environment = OrtEnvironment.getEnvironment()
        if (value is IntArray) return OnnxTensor.createTensor(environment, value)
        value as ByteBuffer
        require(value.order() == ByteOrder.nativeOrder() && value.position() == 0) {
            "not from its first byte"
        }
        val info = session.inputInfo.getValue(name).info as ai.onnxruntime.TensorInfo
        require(value.capacity().toLong() == info.shape.fold(1L) { product, size -> product * size }) {
            "other bytes"
        }
        return OnnxTensor.createTensor(environment, value, info.shape, OnnxJavaType.UINT8)
    }

    companion object {
        /** The .onnx files by signature. */
        var models: Map<String, ByteArray> = emptyMap()
        var hasSignatures = true

        /** The step at which a delegate fails: "prepare", "run", or "" for none. */
        var failure = ""

        /** The number of open interpreters. */
        var opened = 0
    }
}
