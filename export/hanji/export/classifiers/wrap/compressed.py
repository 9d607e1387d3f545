"""A quantized model file as a bundle, compared with the file as it was given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.compressed_file import CompressedFile
from hanji.compression.classifiers.files.measures import LEAST_AGREEMENT, measure_of
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.reference import NativeClassifier, expected_values
from hanji.export.bundle.files import BundleSummary
from hanji.export.classifiers.wrap.bundled_file import BundledFile, bundled_file
from hanji.export.classifiers.wrap.formats import CONVERTED, TOOLS, WrappedFiles
from hanji.export.classifiers.wrap.parity import Bounds, original_parity
from hanji.export.classifiers.wrap.wrap import AboutFile, write_wrapped
from hanji.training.errors import ConversionError
from hanji.training.quiet import import_tensorflow

_TYPICAL = 0.25
"""Allowed typical difference of an output, relative to the standard deviation of all outputs."""


def bundle_compressed_file(compressed: CompressedFile, out: Path) -> BundleSummary:
    """Write the quantized file as a bundle, the directory ``out``; an existing one is replaced.

    Raises the errors of ``wrap_model``, and ConversionError for an agreement with the original file below
    ``LEAST_AGREEMENT``, or if the outputs differ too much. Nothing is left behind on an error.
    """
    import_tensorflow()
    from hanji.compression.classifiers.conversion.onnx_to_tflite import of_converted

    original = _classifier(compressed, compressed.original)
    expected = expected_values(original.answers(compressed.images), compressed.settings)
    quantized = _classifier(compressed, compressed.model)
    files = [_compared(bundled_file(quantized, compressed.images), expected, compressed)]
    for each in compressed.converted:
        made = _model(compressed, each.model, each.format)
        file = bundled_file(of_converted(made, original), compressed.images)
        files.append(_compared(file, expected, replace(compressed, granularity=each.granularity)))
        files[-1] = replace(files[-1], notes=(CONVERTED, *files[-1].notes))
    wrapped = WrappedFiles(tuple(files), compressed.left_out, TOOLS if compressed.converted else {})
    about = AboutFile(
        compressed.name, compressed.labels, compressed.settings, quantized.image_input, compressed.recipe
    )
    return write_wrapped(wrapped, about, compressed.images, out)


def _classifier(compressed: CompressedFile, content: bytes) -> NativeClassifier:
    model = _model(compressed, content, compressed.format)
    return NativeClassifier(model, compressed.labels, compressed.settings)


def _model(compressed: CompressedFile, content: bytes, model_format: str) -> OriginalModel:
    from hanji.compression.classifiers.files.read_model_file import model_file

    return model_file(Path(f"{compressed.name}.{model_format}"), content)


def _compared(
    file: BundledFile, expected: npt.NDArray[np.float64], compressed: CompressedFile
) -> BundledFile:
    """``file`` with its parity to the original; ConversionError if they agree too rarely."""
    differences = np.abs(file.outputs - expected)
    typical = float(np.sqrt(np.mean(np.square(differences))))
    measure = measure_of(compressed.settings.outputs_of(file.classes, compressed.name))
    agreement = measure.agreement(file.outputs.astype(np.float64), expected)
    allowed = _TYPICAL * float(expected.std())
    if agreement < LEAST_AGREEMENT or typical > allowed:
        raise ConversionError(
            f"{compressed.name}: expected the {measure.subject} of the original file ({measure.name} of at "
            f"least {LEAST_AGREEMENT:.0%} on {len(expected)} images), and a typical difference of at most "
            f"{allowed:.3g}, found {agreement:.1%} and {typical:.3g}; no bundle was written; compress it "
            "again with more calibration images, or with float_layers in the recipe"
        )
    largest = max(float(differences.max()), float(np.ptp(expected)))
    bounds = Bounds(largest, allowed, LEAST_AGREEMENT)
    parity = original_parity(differences, (measure, agreement), file.engine, bounds)
    scheme = compressed.recipe.scheme
    note = f"quantized to {scheme} after training, with a scale per {compressed.granularity}"
    return replace(file, artifact=replace(file.artifact, parity=parity), notes=(note, *file.notes))


__all__ = ["bundle_compressed_file"]
