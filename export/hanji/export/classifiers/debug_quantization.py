"""Which layers lose accuracy in 8 bits, and what leaving some of them in floats gives.

Each layer is quantized alone, all others staying in floats, and the file is run in LiteRT over calibration
pictures: what then differs from the float network that layer has added. Rounding adds up through a network
much as independent noise does, so the layers that are worst alone are the ones to leave in floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.classifiers.formats.names import CLASSIFY, IMAGE, PROBABILITIES
from hanji.export.classifiers.formats.signature import ClassifySignature
from hanji.export.classifiers.formats.tflite import calibrated_file, quantized_but_for
from hanji.export.classifiers.formats.tflite_layers import Operator, names_around, names_of_layers, operators
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
"""Calibration pictures over which layers are compared."""

_LEAST = 1e-7  # of a probability: what is smaller is noise of the softmax


@dataclass(frozen=True)
class Loss:
    """How far a quantized network is from the float one.

    ``error`` is the root mean square difference of the logits as a fraction of their spread; ``agreement``
    the share of pictures with the same best class; ``top1`` the share of labelled test pictures that are
    right, None where there are none.
    """

    error: float
    agreement: float
    top1: float | None = None


@dataclass(frozen=True)
class LayerLoss:
    """What quantizing one layer alone adds. ``operators`` are what the layer became in TFLite."""

    layer: str
    operators: tuple[str, ...]
    weights: int
    error: float
    agreement: float


@dataclass(frozen=True)
class Diagnosis:
    """The layers, worst first; the network with all of them quantized, and with the worst in floats.

    ``bytes`` and ``rest_bytes`` are of these two as TFLite files.
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
    """One network, calibrated once, to be quantized in parts.

    ``test`` are labelled pictures, if there are some. Raises ConversionError where the converter refuses the
    network, or where there are no calibration pictures.
    """

    def __init__(
        self, compressed: CompressedClassifier, *, test: LabelledImages | None = None, samples: int = IMAGES
    ) -> None:
        # A network that rounds already says nothing of what rounding adds: its float twin does.
        model = compressed.model if compressed.plain is None else fold_batch_norms(compressed.plain)
        self._network = ClassifySignature(model, compressed.full.image_input, compressed.temperature)
        self._calibrated = calibrated_file(self._network, compressed.calibration)
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
        """Rank the layers; with ``leave_float``, also leave so many of the worst in floats and measure that.

        Each layer is logged as it is measured. Raises ConversionError for more layers than there are.
        """
        names = self._layer_names()
        if not 0 <= leave_float < len(names):
            raise ConversionError(
                f"leave_float: expected 0 to {len(names) - 1}, for the network has {len(names)} layers that "
                f"compute something, found {leave_float}"
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
        """The layer of each operator of the network, in their order."""
        return list(dict.fromkeys(self._layer(found) for found in self._operators if not found.around))

    def _layer(self, operator: Operator) -> str:
        """The one that it is named after: of several the one with the most weights."""
        return max(operator.layers, key=lambda layer: self._sizes[layer])

    def _alone(self, layer: str) -> LayerLoss:
        own = [found for found in self._operators if not found.around and self._layer(found) == layer]
        others = [found.name for found in self._operators if found not in own]
        loss = self._compared(quantized_but_for(self._calibrated, others, "int8"))
        kinds = tuple(dict.fromkeys(found.kind for found in own))
        return LayerLoss(layer, kinds, self._sizes[layer], loss.error, loss.agreement)

    def _content(self, float_layers: Sequence[str]) -> bytes:
        left = [*names_around(self._operators), *names_of_layers(self._operators, float_layers)]
        return quantized_but_for(self._calibrated, left, "int8")

    def _loss(self, content: bytes) -> Loss:
        compared = self._compared(content)
        top1 = self._top1(lambda images: _run(content, images))
        return Loss(compared.error, compared.agreement, top1)

    def _compared(self, content: bytes) -> Loss:
        found = _run(content, self._images)
        own, expected = _centred(found), _centred(self._expected)
        error = float(np.sqrt(np.mean(np.square(own - expected))) / max(float(expected.std()), 1e-9))
        return Loss(error, float(np.mean(found.argmax(1) == self._expected.argmax(1))))

    def _top1(self, probabilities: Callable[[Images], Values]) -> float | None:
        if self._test is None or not len(self._test):
            return None
        return float(np.mean(probabilities(self._test.images).argmax(1) == self._test.labels))


def _run(content: bytes, images: Images) -> Values:
    """Probabilities float64 [n, classes] in LiteRT, one thread."""
    runner = interpreter_class("litert")(model_content=content, num_threads=1).get_signature_runner(CLASSIFY)
    return np.concatenate([runner(**{IMAGE: image[None]})[PROBABILITIES] for image in images]).astype(
        np.float64
    )


def _centred(probabilities: Values) -> Values:
    """The logits behind probabilities, but for a number that all classes of a picture share."""
    logits = np.log(np.maximum(probabilities, _LEAST))
    centred: Values = logits - logits.mean(axis=1, keepdims=True)
    return centred


__all__ = ["IMAGES", "Diagnosis", "LayerLoss", "Loss", "QuantizationDebugger"]
