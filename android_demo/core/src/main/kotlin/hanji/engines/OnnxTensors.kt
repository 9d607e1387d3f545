package hanji.engines

import ai.onnxruntime.NodeInfo
import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import hanji.Signature

/** EngineException unless the [session] has the tensors that the manifest states, and no other inputs. */
internal fun expectTensors(signature: Signature, session: OrtSession) {
    val names = signature.inputs.mapTo(HashSet()) { it.name }
    if (session.inputInfo.keys != names) {
        throw otherTensors(signature, "inputs ${names.joinToString()}", session.inputInfo.keys.joinToString())
    }
    for (tensor in signature.inputs) expectTensor(signature, "input", tensor, session.inputInfo[tensor.name])
    for (tensor in signature.outputs) {
        expectTensor(signature, "output", tensor, session.outputInfo[tensor.name])
    }
}

private fun expectTensor(signature: Signature, kind: String, tensor: hanji.TensorInfo, node: NodeInfo?) {
    val found = node?.info as? TensorInfo
    val dtype = found?.let { if (it.type == OnnxJavaType.FLOAT) "float32" else it.type.name.lowercase() }
    if (found != null && dtype == tensor.dtype && fits(found.shape, tensor.shape)) return
    val expected = "$kind '${tensor.name}': ${tensor.dtype} ${tensor.shape}"
    val description = found?.let { "${it.type} ${it.shape.contentToString()}" } ?: "none"
    throw otherTensors(signature, expected, description)
}
