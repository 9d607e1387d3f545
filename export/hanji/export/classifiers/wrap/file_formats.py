"""What differs between the formats of wrapped files: how ends are written, and which engines run them."""

from __future__ import annotations

import onnx

from hanji.compression.classifiers.files.onnx_file import OnnxFile, serialized
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.export.classifiers.wrap.onnx_rewriting import rewritten_onnx
from hanji.export.classifiers.wrap.steps import Ends
from hanji.export.classifiers.wrap.tflite_rewriting import rewritten_tflite
from hanji.export.formats.onnx import IR_VERSION, OLDEST_ONNXRUNTIME, OPSET
from hanji.export.formats.tflite_graph import opened
from hanji.export.formats.tflite_runtime import tflite_engines
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import EngineRequirement
from hanji.training.errors import ConversionError


def rewritten(model: OriginalModel, ends: Ends) -> tuple[bytes, Ends]:
    """The file with other ends, and the ends with their final names.

    ConversionError if the file cannot be edited.
    """
    if isinstance(model, OnnxFile):
        changed, named = rewritten_onnx(model.model, ends)
        return serialized(changed), named
    assert isinstance(model, TfliteFile)  # noqa: S101 - there are two formats
    unpacked, _ = opened(model.content)
    if any(buffer.offset > 1 for buffer in unpacked.buffers):
        raise ConversionError(
            f"{model.path}: expected weights inside the flatbuffer, found them after it, as in files "
            "above 2 GiB; convert the model again with float16 or int8 weights"
        )
    indices = model.indices(ends.source.name, ends.result.name)
    return rewritten_tflite(model.content, ends, model.subgraph(unpacked), indices), ends


def engines_of(model: OriginalModel, content: bytes) -> tuple[EngineRequirement, ...]:
    """The engines that run ``content``, which is the file of ``model`` or a rewritten one."""
    if isinstance(model, OnnxFile):
        return (EngineRequirement("onnxruntime", _oldest(model.model)),)
    return tflite_engines(content)


def _oldest(model: onnx.ModelProto) -> str:
    """The oldest ONNX Runtime version known to run the file, or else the installed one."""
    old = all(opset.version <= OPSET for opset in model.opset_import if not opset.domain)
    if old and model.ir_version <= IR_VERSION:
        return OLDEST_ONNXRUNTIME
    return installed_version("onnxruntime") or OLDEST_ONNXRUNTIME


__all__ = ["engines_of", "rewritten"]
