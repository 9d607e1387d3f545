"""One classifier in one format: its files and their manifest entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE, PROBABILITIES
from hanji.export.bundle.artifact import (
    ONNX_PATH,
    TFJS_DIRECTORY,
    TFJS_PATH,
    TFLITE_PATH,
    UNMEASURED,
    Converted,
    file_entry,
)
from hanji.export.bundle.queries import Outputs, Query, run_queries
from hanji.export.classifiers.formats.integer_only import IntegerOnly, integer_only, integer_signature
from hanji.export.classifiers.formats.onnx import convert_classifier_onnx, uses_quantized_tflite
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tfjs import convert_classifier_tfjs
from hanji.export.classifiers.formats.tflite import named_classifier_tflite
from hanji.export.classifiers.precision import INTEGERS_ONLY, precision_of
from hanji.export.formats.compact import compacted
from hanji.export.formats.edge_tpu import expect_edge_tpu
from hanji.export.formats.names import OLDEST_TFJS, Format
from hanji.export.formats.onnx import OLDEST_ONNXRUNTIME
from hanji.export.formats.tflite_runtime import tflite_engines
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.manifest import (
    Artifact,
    EngineRequirement,
    ImageInput,
    Probabilities,
    Signature,
    Tensor,
)


class ClassifierFiles:
    """The files of a compressed classifier in each format; intermediate results are shared by the formats.

    With ``edge_tpu`` it becomes an integer-only TFLite file: the runtime then normalizes images and turns
    logits into probabilities.
    """

    def __init__(self, compressed: CompressedClassifier, *, edge_tpu: bool = False) -> None:
        self.compressed = compressed
        self.edge_tpu = edge_tpu
        image_input = compressed.full.image_input
        self._network = ClassifySignature(compressed.model, image_input, compressed.temperature)

    @property
    def image_input(self) -> ImageInput:
        """The image preprocessing of every artifact."""
        image_input = self.compressed.full.image_input
        if not self.edge_tpu:
            return image_input
        network = self._integer_only
        return replace(image_input, mean=network.mean, std=network.std, normalized_by="runtime")

    @property
    def probabilities(self) -> Probabilities:
        """The meaning of every artifact's output."""
        if not self.edge_tpu:
            return Probabilities("graph", 1.0)
        return Probabilities("softmax", self._integer_only.temperature)

    def converted(self, target: Format) -> Converted:
        """Convert to the format ``target``; parity is not measured yet.

        Raises ConversionError if the format cannot represent the model.
        """
        if target == "tflite":
            return self._tflite()
        return self._onnx() if target == "onnx" else self._tfjs()

    def run(self, converted: Converted, queries: Sequence[Query]) -> Outputs:
        """The artifact's probabilities, with the runtime's pre- and postprocessing; see ``run_queries``."""
        if not self.edge_tpu:
            return run_queries(converted, queries)
        signature = converted.artifact.signatures[CLASSIFY]
        tensor, output = ImageTensor(self.image_input, signature.inputs[0]), signature.outputs[0]
        prepared = [Query(CLASSIFY, {IMAGE: tensor.of(query.inputs[IMAGE])}) for query in queries]
        outputs = run_queries(converted, prepared)
        rule = self.probabilities
        scores = tuple(probabilities_of(dequantized(row, output), rule) for row in outputs.scores)
        return replace(outputs, scores=scores)

    def _tflite(self) -> Converted:
        if not self.edge_tpu:
            content = compacted(self._tflite_file)
            return self._artifact("tflite", {TFLITE_PATH: content}, tflite_engines(content))
        network = self._integer_only.content
        expect_edge_tpu(network, "Edge TPU")
        content = compacted(network)
        made = self._artifact("tflite", {TFLITE_PATH: content}, tflite_engines(content))
        signatures = {CLASSIFY: integer_signature(content, TFLITE_PATH)}
        changed = replace(made.artifact, precision=INTEGERS_ONLY, signatures=signatures)
        return replace(made, artifact=changed)

    def _onnx(self) -> Converted:
        scheme = self.compressed.scheme
        content = convert_classifier_onnx(
            self._tflite_file if uses_quantized_tflite(scheme) else self._float_tflite_file, scheme
        )
        engine = EngineRequirement("onnxruntime", OLDEST_ONNXRUNTIME)
        return self._artifact("onnx", {ONNX_PATH: content}, (engine,))

    def _tfjs(self) -> Converted:
        compressed = self.compressed
        files = convert_classifier_tfjs(
            compressed.model, compressed.full.image_input, compressed.temperature, compressed.scheme
        )
        contents = {TFJS_DIRECTORY + name: content for name, content in files.items()}
        return self._artifact("tfjs", contents, (EngineRequirement("tfjs", OLDEST_TFJS),))

    @cached_property
    def _integer_only(self) -> IntegerOnly:
        """The network of ``_tflite_file`` without pre- and postprocessing."""
        return integer_only(self._tflite_file)

    @cached_property
    def _tflite_file(self) -> bytes:
        """The TFLite file under the classifier's scheme."""
        compressed = self.compressed
        if compressed.scheme == "float32" and not compressed.sparse:
            return self._float_tflite_file
        return named_classifier_tflite(
            self._network,
            compressed.scheme,
            calibration=compressed.calibration,
            float_layers=compressed.float_layers,
            sparse=compressed.sparse,
            may_crash=compressed.is_foreign,
        )

    @cached_property
    def _float_tflite_file(self) -> bytes:
        return named_classifier_tflite(self._network, "float32", may_crash=self.compressed.is_foreign)

    def _artifact(
        self, target: Format, contents: Mapping[str, bytes], engines: tuple[EngineRequirement, ...]
    ) -> Converted:
        compressed = self.compressed
        paths = {"tflite": TFLITE_PATH, "onnx": ONNX_PATH, "tfjs": TFJS_PATH}
        dtype = "int32" if target == "tfjs" else "uint8"
        artifact = Artifact(
            format=target,
            precision=precision_of(target, compressed.scheme, sparse=compressed.sparse),
            files=tuple(file_entry(path, content) for path, content in contents.items()),
            engines=engines,
            signatures={CLASSIFY: self._signature(paths[target], dtype)},
            parity=UNMEASURED,
        )
        return Converted(artifact, contents)

    def _signature(self, path: str, dtype: str) -> Signature:
        full = self.compressed.full
        image = Tensor(IMAGE, dtype, (1, *full.image_input.shape), scale=None, zero_point=None)
        shape = (1, len(full.labels))
        return Signature(path, (image,), (Tensor(PROBABILITIES, "float32", shape, None, None),))


__all__ = ["ClassifierFiles"]
