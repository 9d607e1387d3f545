"""A quantized model file as a bundle, compared with the file as it was given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.compressed_file import CompressedFile
from hanji.compression.classifiers.files.reference import expected_values
from hanji.compression.classifiers.files.selection import LEAST_AGREEMENT
from hanji.export.bundle.files import BundleSummary, MeasuredParity
from hanji.export.classifiers.wrap.bundled_file import BundledFile
from hanji.export.classifiers.wrap.wrap import AboutFile, Wrapping, write_wrapped
from hanji.training.errors import ConversionError
from hanji.training.quiet import import_tensorflow

_TYPICAL = 0.25
"""Allowed typical difference of an output, relative to the standard deviation of all outputs."""


@dataclass(frozen=True)
class QuantizedParity(MeasuredParity):
    """Agreement of a quantized file with the original one on ``images`` images; its outputs may differ."""

    images: int = 0

    @property
    def agreement_summary(self) -> str:
        return f"same best class as the original file for {self.top1_agreement:.3f} of {self.images} images"


def bundle_compressed_file(compressed: CompressedFile, out: Path) -> BundleSummary:
    """Write the quantized file as a bundle, the directory ``out``; an existing one is replaced.

    Raises the errors of ``wrap_model``, and ConversionError if the best class is that of the original file
    for fewer than ``LEAST_AGREEMENT`` of the images, or if the outputs differ too much. Nothing is left
    behind on an error.
    """
    import_tensorflow()
    with TemporaryDirectory() as directory:
        original, quantized = (
            _wrapping(compressed, content, Path(directory) / part / f"{compressed.name}.{compressed.format}")
            for part, content in (("original", compressed.original), ("quantized", compressed.model))
        )
        of_logit = compressed.settings.gives == "logits"
        expected = expected_values(original.answers(compressed.images), of_logit=of_logit)
        file = _compared(quantized.file(compressed.images), expected, compressed)
    about = AboutFile(
        compressed.name, compressed.labels, compressed.settings, quantized.image_input, compressed.recipe
    )
    return write_wrapped(file, about, compressed.images, out)


def _wrapping(compressed: CompressedFile, content: bytes, path: Path) -> Wrapping:
    from hanji.compression.classifiers.files.read_model_file import read_model_file

    path.parent.mkdir()
    path.write_bytes(content)
    return Wrapping(read_model_file(path), compressed.labels, compressed.settings)


def _compared(
    file: BundledFile, expected: npt.NDArray[np.float64], compressed: CompressedFile
) -> BundledFile:
    """``file`` with its parity to the original; ConversionError if they agree too rarely."""
    differences = np.abs(file.outputs - expected)
    largest, typical = float(differences.max()), float(np.sqrt(np.mean(np.square(differences))))
    agreement = float(np.mean(file.outputs.argmax(axis=1) == expected.argmax(axis=1)))
    allowed = _TYPICAL * float(expected.std())
    if agreement < LEAST_AGREEMENT or typical > allowed:
        raise ConversionError(
            f"{compressed.name}: expected the best class of the original file for {LEAST_AGREEMENT:.0%} of "
            f"{len(expected)} images, and a typical difference of at most {allowed:.3g}, found "
            f"{agreement:.1%} and {typical:.3g}; no bundle was written; compress it again with more "
            "calibration images, or with float_layers in the recipe"
        )
    parity = QuantizedParity(
        checked=True,
        engine=file.engine,
        max_abs_error=_rounded(largest),
        score_tolerance=_rounded(max(largest, float(np.ptp(expected)))),
        top1_agreement=_rounded(agreement),
        minimum_top1_agreement=LEAST_AGREEMENT,
        typical_error=_rounded(typical),
        typical_tolerance=_rounded(allowed),
        images=len(expected),
    )
    scheme = compressed.recipe.scheme
    note = f"quantized to {scheme} after training, with a scale per {compressed.granularity}"
    return replace(file, artifact=replace(file.artifact, parity=parity), notes=(note, *file.notes))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


__all__ = ["QuantizedParity", "bundle_compressed_file"]
