"""Chooses how a model file is quantized: by its difference from the float file on calibration images.

Whether a scale per channel or per tensor is better differs between networks and libraries: per tensor,
depthwise networks can lose all accuracy, and so can per channel where an engine has no kernel for it. Both
are tried. If the better one is still too far from the float file, the layers are ranked by the error of
quantizing each of them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hanji.compression.classifiers.files.measures import LEAST_AGREEMENT, BestClass, Measure, Values
from hanji.compression.classifiers.files.quantizer import Choice, FileQuantizer, FileScheme
from hanji.training.errors import ConversionError
from hanji.training.progress import logger

_NAMED = 5  # layers that an error message names


@dataclass(frozen=True)
class Loss:
    """How far a file is from the float one on the calibration images.

    ``error`` and ``agreement`` are those of a ``Measure``.
    """

    error: float
    agreement: float


@dataclass(frozen=True)
class QuantizedFile:
    """A quantized file, how it was made, and how far it is from the float file on ``images`` images."""

    content: bytes
    choice: Choice
    loss: Loss
    images: int


class FileSelection:
    """Quantizes one file in several ways and compares them.

    ``expected`` are the outputs of the float file for some images, float64 [n, classes], ``outputs`` computes
    those of another file for the same images; ``where`` names the file in error messages. ``measure`` is that
    of the output, by default of classes.
    """

    def __init__(
        self,
        quantizer: FileQuantizer,
        expected: Values,
        outputs: Callable[[bytes], Values],
        where: str,
        measure: Measure | None = None,
    ) -> None:
        self._quantizer = quantizer
        self._measure = measure or BestClass()
        self._expected = expected
        self._outputs = outputs
        self._where = where

    def best(self, scheme: FileScheme, float_layers: Collection[str] = ()) -> QuantizedFile:
        """The file quantized with the better granularity, ``float_layers`` left in float32.

        Raises ConversionError for layers that the file does not have, and for an agreement below
        ``LEAST_AGREEMENT``; the message names the layers with the largest errors.
        """
        self._expect_layers(float_layers)
        made = [self._made(Choice(scheme, per_channel, tuple(float_layers))) for per_channel in (True, False)]
        best = min(made, key=lambda found: (found.loss.error, len(found.content)))
        for found in made:
            logger.info(f"{_granularity(found.choice)}: {self._described(found)}")
        if best.loss.agreement < LEAST_AGREEMENT:
            raise ConversionError(self._refusal(best))
        return best

    def ranking(self, scheme: FileScheme, *, per_channel: bool) -> dict[str, float]:
        """The error of quantizing each layer alone, largest first."""
        errors = {
            layer: self._made(Choice(scheme, per_channel, only=layer)).loss.error
            for layer in self._quantizer.layers
        }
        return dict(sorted(errors.items(), key=lambda entry: -entry[1]))

    def _made(self, choice: Choice) -> QuantizedFile:
        content = self._quantizer.quantized(choice)
        found, expected = self._outputs(content), self._expected
        loss = Loss(self._measure.error(found, expected), self._measure.agreement(found, expected))
        return QuantizedFile(content, choice, loss, len(expected))

    def _expect_layers(self, float_layers: Collection[str]) -> None:
        unknown = [layer for layer in float_layers if layer not in self._quantizer.layers]
        if unknown:
            raise ConversionError(
                f"{self._where}: float_layers: no layer {unknown[0]!r} with weights; found "
                f"{', '.join(self._quantizer.layers)}"
            )

    def _refusal(self, best: QuantizedFile) -> str:
        left = set(best.choice.float_layers)
        ranking = self.ranking(best.choice.scheme, per_channel=best.choice.per_channel)
        worst = [layer for layer in ranking if layer not in left][:_NAMED]
        named = ", ".join(f"{layer!r} ({ranking[layer]:.3f})" for layer in worst)
        return (
            f"{self._where}: expected an agreement with the float file of at least {LEAST_AGREEMENT:.0%}, "
            f"found {self._described(best)}; leave the layers with the largest errors in float by "
            f"float_layers in the recipe: {named}"
        )

    def _described(self, found: QuantizedFile) -> str:
        return (
            f"{self._measure.name} {found.loss.agreement:.1%} on {found.images} images, error "
            f"{found.loss.error:.4f}, {len(found.content):,} bytes"
        )


def _granularity(choice: Choice) -> str:
    return f"{choice.scheme}, a scale per {choice.granularity}"


__all__ = ["FileSelection", "Loss", "QuantizedFile"]
