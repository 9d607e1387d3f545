"""One classifier in one format: its files, and what the manifest says of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from hanji.compression.images.compressed import CompressedClassifier
from hanji.export.artifacts import TFJS_DIRECTORY, TFJS_PATH, Converted, file_entry
from hanji.export.compact import compacted
from hanji.export.config import Format
from hanji.export.images.onnx import convert_classifier_onnx, from_integers
from hanji.export.images.precision import precision_of
from hanji.export.images.signature import CLASSIFY, IMAGE, PROBABILITIES, ClassifySignature
from hanji.export.images.tfjs import convert_classifier_tfjs
from hanji.export.images.tflite import named_classifier_tflite
from hanji.export.onnx import OLDEST_ONNXRUNTIME
from hanji.export.tfjs import OLDEST_TFJS
from hanji.export.tflite import FIRST_LITERT, oldest_litert
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import Artifact, EngineRequirement, Parity, Signature, Tensor

TFLITE_PATH = "model.tflite"
ONNX_PATH = "model.onnx"
UNMEASURED = Parity(checked=False, reason="not measured yet")


class ClassifierFiles:
    """What a compressed classifier becomes in each format; what several formats start from is made once."""

    def __init__(self, compressed: CompressedClassifier) -> None:
        self.compressed = compressed
        picture = compressed.full.picture
        self._network = ClassifySignature(compressed.model, picture, compressed.temperature)

    def converted(self, target: Format) -> Converted:
        """The artifact in the format ``target``; its parity is not measured yet.

        Raises ConversionError where the format cannot hold the model.
        """
        if target == "tflite":
            return self._tflite()
        return self._onnx() if target == "onnx" else self._tfjs()

    def _tflite(self) -> Converted:
        content = compacted(self._own)
        oldest = oldest_litert(content, installed_version("ai-edge-litert") or FIRST_LITERT)
        return self._artifact("tflite", {TFLITE_PATH: content}, EngineRequirement("litert", oldest))

    def _onnx(self) -> Converted:
        scheme = self.compressed.scheme
        content = convert_classifier_onnx(self._own if from_integers(scheme) else self._float, scheme)
        engine = EngineRequirement("onnxruntime", OLDEST_ONNXRUNTIME)
        return self._artifact("onnx", {ONNX_PATH: content}, engine)

    def _tfjs(self) -> Converted:
        compressed = self.compressed
        files = convert_classifier_tfjs(
            compressed.model, compressed.full.picture, compressed.temperature, compressed.scheme
        )
        contents = {TFJS_DIRECTORY + name: content for name, content in files.items()}
        return self._artifact("tfjs", contents, EngineRequirement("tfjs", OLDEST_TFJS))

    @cached_property
    def _own(self) -> bytes:
        """The TFLite file under the classifier's own scheme."""
        compressed = self.compressed
        if compressed.scheme == "float32" and not compressed.sparse:
            return self._float
        return named_classifier_tflite(
            self._network,
            compressed.scheme,
            calibration=compressed.calibration,
            float_layers=compressed.float_layers,
            sparse=compressed.sparse,
        )

    @cached_property
    def _float(self) -> bytes:
        return named_classifier_tflite(self._network, "float32")

    def _artifact(
        self, target: Format, contents: Mapping[str, bytes], engine: EngineRequirement
    ) -> Converted:
        compressed = self.compressed
        paths = {"tflite": TFLITE_PATH, "onnx": ONNX_PATH, "tfjs": TFJS_PATH}
        dtype = "int32" if target == "tfjs" else "uint8"
        artifact = Artifact(
            format=target,
            precision=precision_of(target, compressed.scheme, sparse=compressed.sparse),
            files=tuple(file_entry(path, content) for path, content in contents.items()),
            engines=(engine,),
            signatures={CLASSIFY: self._signature(paths[target], dtype)},
            parity=UNMEASURED,
        )
        return Converted(artifact, contents)

    def _signature(self, path: str, dtype: str) -> Signature:
        full = self.compressed.full
        image = Tensor(IMAGE, dtype, (1, *full.picture.shape), scale=None, zero_point=None)
        shape = (1, len(full.labels))
        return Signature(path, (image,), (Tensor(PROBABILITIES, "float32", shape, None, None),))


__all__ = ["ONNX_PATH", "TFLITE_PATH", "UNMEASURED", "ClassifierFiles"]
