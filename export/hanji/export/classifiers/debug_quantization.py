"""Finds the layers that lose accuracy in int8, and measures the effect of keeping some of them in float32.

Each layer is quantized alone, with all others in float32, and the file is run in LiteRT over calibration
images: the difference from the float32 network is the error of that layer. Quantization errors add up through
a network roughly like independent noise, so the layers with the largest individual error are the ones to keep
in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.agreement import centred_logits, relative_error
from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.signature_names import CLASSIFY, IMAGE, PROBABILITIES
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite import saved_network
from hanji.export.classifiers.formats.tflite_layers import (
    Operator,
    names_of_layers,
    names_outside_network,
    operators,
)
from hanji.export.classifiers.formats.tflite_saved import quantized_except
from hanji.export.formats.compact import compacted
from hanji.runtime.engines.choice import interpreter_class
from hanji.training.classifiers.data import LabelledImages
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.classifiers.models.folding import fold_batch_norms
from hanji.training.errors import ConversionError
from hanji.training.progress import logger

Images = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float64]
IMAGES = 100
"""The number of calibration images that the error is measured on."""


@dataclass(frozen=True)
class Loss:
    """How far a quantized network deviates from the float32 network.

    ``error`` is the root mean square difference of the logits divided by their standard deviation;
    ``agreement`` the share of images with the same top-1 class; ``top1`` the accuracy on labelled test
    images, None without any.
    """

    error: float
    agreement: float
    top1: float | None = None


@dataclass(frozen=True)
class LayerLoss:
    """The error from quantizing one layer alone. ``operators`` are the TFLite operators of the layer."""

    layer: str
    operators: tuple[str, ...]
    weights: int
    error: float
    agreement: float


@dataclass(frozen=True)
class Diagnosis:
    """The layers, worst first; the network fully quantized, and with the worst layers in float32.

    ``bytes`` and ``rest_bytes`` are the sizes of these two as TFLite files.
    """

    layers: tuple[LayerLoss, ...]
    all_quantized: Loss
    float_top1: float | None
    pictures: int
    left_in_float: tuple[str, ...] = ()
    rest_quantized: Loss | None = None
    bytes: int = 0
    rest_bytes: int = 0


class QuantizationDebugger:
    """Quantizes selected layers of one network, which is calibrated once.

    ``test`` are optional labelled images. Raises ConversionError if the converter rejects the network, or
    without calibration images.
    """

    def __init__(
        self, compressed: CompressedClassifier, *, test: LabelledImages | None = None, samples: int = IMAGES
    ) -> None:
        # A QAT network already contains the rounding; its error is measured on the float32 weights instead.
        model = compressed.model if compressed.plain is None else fold_batch_norms(compressed.plain)
        self._network = ClassifySignature(model, compressed.full.image_input, compressed.temperature)
        with saved_network(self._network, may_crash=compressed.is_foreign) as saved:
            self._calibrated = saved.calibrated(compressed.calibration)
        self._operators = operators(self._calibrated, [layer.name for layer in model.layers])
        self._sizes = {layer.name: int(layer.count_params()) for layer in model.layers}
        rows = np.linspace(0, len(compressed.calibration), samples, endpoint=False).astype(np.intp)
        self._images: Images = compressed.calibration[np.unique(rows)]
        self._test = test
        scorer = ClassifierScorer(model, compressed.full.image_input)
        self._probabilities: Callable[[Images], Values] = lambda images: probabilities_of(
            scorer.logits(images), compressed.temperature
        )
        self._expected = self._probabilities(self._images)

    def diagnosis(self, *, leave_float: int = 0) -> Diagnosis:
        """Rank the layers; also measure the network with the ``leave_float`` worst layers kept in float32.

        The error of each layer is logged. Raises ConversionError for more layers than the network has.
        """
        names = self._layer_names()
        if not 0 <= leave_float < len(names):
            raise ConversionError(
                f"leave_float: expected 0 to {len(names) - 1}, as the network has {len(names)} layers with "
                f"operators, found {leave_float}"
            )
        layers = []
        for index, layer in enumerate(names, 1):
            layers.append(self._alone(layer))
            logger.info(f"{index}/{len(names)} {layer}: error {layers[-1].error:.4f}")
        layers.sort(key=lambda found: -found.error)
        everything = self._content([])
        left = tuple(found.layer for found in layers[:leave_float])
        rest = self._content(left) if left else None
        return Diagnosis(
            layers=tuple(layers),
            all_quantized=self._loss(everything),
            float_top1=self._top1(self._probabilities),
            pictures=len(self._images),
            left_in_float=left,
            rest_quantized=None if rest is None else self._loss(rest),
            bytes=len(compacted(everything)),
            rest_bytes=0 if rest is None else len(compacted(rest)),
        )

    def _layer_names(self) -> list[str]:
        """The layers that became operators of the network, in execution order."""
        return list(dict.fromkeys(self._layer(found) for found in self._operators if found.in_network))

    def _layer(self, operator: Operator) -> str:
        """The layer that an operator is attributed to: of several, the one with the most weights."""
        return max(operator.layers, key=lambda layer: self._sizes[layer])

    def _alone(self, layer: str) -> LayerLoss:
        own = [found for found in self._operators if found.in_network and self._layer(found) == layer]
        others = [found.name for found in self._operators if found not in own]
        loss = self._compared(quantized_except(self._calibrated, others, "int8"))
        kinds = tuple(dict.fromkeys(found.kind for found in own))
        return LayerLoss(layer, kinds, self._sizes[layer], loss.error, loss.agreement)

    def _content(self, float_layers: Sequence[str]) -> bytes:
        kept = [*names_outside_network(self._operators), *names_of_layers(self._operators, float_layers)]
        return quantized_except(self._calibrated, kept, "int8")

    def _loss(self, content: bytes) -> Loss:
        compared = self._compared(content)
        top1 = self._top1(lambda images: _run(content, images))
        return Loss(compared.error, compared.agreement, top1)

    def _compared(self, content: bytes) -> Loss:
        found = _run(content, self._images)
        error = relative_error(centred_logits(found), centred_logits(self._expected))
        return Loss(error, float(np.mean(found.argmax(1) == self._expected.argmax(1))))

    def _top1(self, probabilities: Callable[[Images], Values]) -> float | None:
        if self._test is None or not len(self._test):
            return None
        return float(np.mean(probabilities(self._test.images).argmax(1) == self._test.labels))


def _run(content: bytes, images: Images) -> Values:
    """Probabilities float64 [n, classes], computed by LiteRT on one thread."""
    runner = interpreter_class("litert")(model_content=content, num_threads=1).get_signature_runner(CLASSIFY)
    return np.concatenate([runner(**{IMAGE: image[None]})[PROBABILITIES] for image in images]).astype(
        np.float64
    )


__all__ = ["IMAGES", "Diagnosis", "LayerLoss", "Loss", "QuantizationDebugger"]
