package hanji.engines

import hanji.Signature
import hanji.Tensor
import hanji.TensorInfo
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.FloatPointer
import org.bytedeco.javacpp.IntPointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.TfLiteInterpreter
import org.bytedeco.tensorflowlite.TfLiteInterpreterOptions
import org.bytedeco.tensorflowlite.TfLiteModel
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsCreate
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsSetErrorReporter
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteInterpreterOptionsSetNumThreads
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelCreateWithErrorReporter
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteModelDelete
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorByteSize
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorData
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorDim
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorNumDims
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorType

/**
 * A model file in TensorFlow Lite's C interface; TfliteException with its messages if that fails.
 *
 * All memory is native and belongs to this object. None is left to JavaCPP, which would release it only when
 * the garbage collector runs. TensorFlow Lite reads the file where it is, so the file is kept until [close].
 */
internal class JavacppTfliteModel(content: ByteArray, threads: Int) : TfliteModel {
    private var file: Pointer? = null
    private var model: TfLiteModel? = null
    private var options: TfLiteInterpreterOptions? = null
    private var interpreter: TfLiteInterpreter? = null
    private val graphs = HashMap<String, TfliteGraph>()

    override val isDelegated: Boolean get() = false

    init {
        try {
            open(content, threads)
        } catch (error: TfliteException) {
            close()
            throw error
        }
    }

    override fun expectTensors(signature: Signature) {
        val graph = graph(signature)
        for (info in signature.inputs) expectTensor(signature, "input", info, graph.input(info.name))
        for (info in signature.outputs) expectTensor(signature, "output", info, graph.output(info.name))
        if (graph.inputCount != signature.inputs.size) {
            throw otherTensors(signature, "${signature.inputs.size} inputs", graph.inputCount.toString())
        }
    }

    override fun run(signature: Signature, inputs: Map<String, Tensor>): Tensor {
        expectTensors(signature)
        val graph = graph(signature)
        for ((name, tensor) in inputs) {
            if (!shapeOf(required(graph.input(name), name)).contentEquals(tensor.shape)) {
                expectSuccess("resizing '$name'") { graph.resize(name, tensor.shape) }
            }
        }
        expectSuccess("preparing") { graph.allocate() }
        for ((name, tensor) in inputs) write(tensor, required(graph.input(name), name), name)
        expectSuccess("running") { graph.invoke() }
        val info = signature.outputs[0]
        return read(required(graph.output(info.name), info.name), info)
    }

    override fun close() {
        for (graph in graphs.values) graph.close()
        graphs.clear()
        interpreter?.let { TfLiteInterpreterDelete(it) }
        options?.let { TfLiteInterpreterOptionsDelete(it) }
        model?.let { TfLiteModelDelete(it) }
        file?.let { Pointer.free(it) }
        interpreter = null
        options = null
        model = null
        file = null
    }

    private fun open(content: ByteArray, threads: Int) {
        val memory = reported("allocating ${content.size} bytes") { Pointer.malloc(content.size.toLong()) }
        file = memory
        BytePointer(memory).put(content, 0, content.size)
        val size = content.size.toLong()
        val opened = reported("reading") {
            TfLiteModelCreateWithErrorReporter(memory, size, TfliteMessages, null)
        }
        model = opened
        val settings = reported("allocating") { TfLiteInterpreterOptionsCreate() }
        options = settings
        TfLiteInterpreterOptionsSetNumThreads(settings, threads)
        TfLiteInterpreterOptionsSetErrorReporter(settings, TfliteMessages, null)
        interpreter = reported("preparing") { TfLiteInterpreterCreate(opened, settings) }
    }

    private fun graph(signature: Signature): TfliteGraph = graphs.getOrPut(signature.name) {
        graphOf(interpreter!!, signature.name)
    }

    private fun expectTensor(signature: Signature, kind: String, info: TensorInfo, tensor: TfLiteTensor?) {
        val shape = tensor?.let { shapeOf(it) }
        val dtype = tensor?.let { DTYPES[TfLiteTensorType(it)] }
        val sizes = shape?.let { LongArray(it.size) { axis -> it[axis].toLong() } }
        if (sizes != null && dtype == info.dtype && fits(sizes, info.shape)) return
        val found = shape?.let { "${dtype ?: "another dtype"} ${it.contentToString()}" } ?: "none"
        throw otherTensors(signature, "$kind '${info.name}': ${info.dtype} ${info.shape}", found)
    }

    private fun write(tensor: Tensor, target: TfLiteTensor, name: String) {
        val memory = memory(target, name, tensor.data) ?: return
        when (val data = tensor.data) {
            is FloatArray -> FloatPointer(memory).put(data, 0, data.size)
            is IntArray -> IntPointer(memory).put(data, 0, data.size)
            is ByteArray -> BytePointer(memory).put(data, 0, data.size)
        }
    }

    private fun read(source: TfLiteTensor, info: TensorInfo): Tensor {
        val shape = shapeOf(source)
        val data = Tensor.arrayOf(info.dtype, Tensor.countOf(shape))
        val memory = memory(source, info.name, data) ?: return Tensor(info.dtype, shape, data)
        when (data) {
            is FloatArray -> FloatPointer(memory).get(data, 0, data.size)
            is IntArray -> IntPointer(memory).get(data, 0, data.size)
            is ByteArray -> BytePointer(memory).get(data, 0, data.size)
        }
        return Tensor(info.dtype, shape, data)
    }

    /** The memory of a tensor, which has the size of the array [data]; null if that is empty. */
    private fun memory(tensor: TfLiteTensor, name: String, data: Any): Pointer? {
        val bytes = when (data) {
            is FloatArray -> 4L * data.size
            is IntArray -> 4L * data.size
            else -> (data as ByteArray).size.toLong()
        }
        val found = TfLiteTensorByteSize(tensor)
        if (found != bytes) throw TfliteException("'$name': expected $bytes bytes, found $found")
        return if (bytes == 0L) null else required(TfLiteTensorData(tensor), name)
    }

    private companion object {
        /** The dtypes that bundles may have, by number. */
        val DTYPES = mapOf(1 to "float32", 2 to "int32", 3 to "uint8", 9 to "int8")
    }
}

private fun shapeOf(tensor: TfLiteTensor) =
    IntArray(TfLiteTensorNumDims(tensor)) { TfLiteTensorDim(tensor, it) }
