"""Writes a compressed classifier as a bundle: converts, checks parity, describes, and writes atomically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.artifact import file_entry
from hanji.export.bundle.files import (
    BundleSummary,
    Checked,
    check_options,
    manifest_files,
    with_parity,
    write_files,
)
from hanji.export.bundle.json_files import json_bytes
from hanji.export.bundle.operators import expect_known_operators
from hanji.export.classifiers.artifacts import ClassifierFiles
from hanji.export.classifiers.config import EDGE_TPU_FORMATS, REQUIRED_FORMATS
from hanji.export.classifiers.expected_outputs import ImageReference, image_reference
from hanji.export.classifiers.golden import image_golden_table, image_replay_tolerance
from hanji.export.classifiers.manifest import CARD, GOLDEN, LABELS, classifier_manifest_table, labels_table
from hanji.export.classifiers.model_card import classifier_card
from hanji.export.classifiers.parity import image_parity
from hanji.export.classifiers.remedies import remedy
from hanji.export.classifiers.tolerances import IMAGE_TOLERANCES
from hanji.export.formats.names import FORMATS, Format
from hanji.export.formats.tfjs_node import TfjsMissingError
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Parity
from hanji.training.classifiers.data import LabelledImages
from hanji.training.errors import ConversionError
from hanji.training.files import atomic_directory
from hanji.training.progress import logger


def export_classifier(
    compressed: CompressedClassifier,
    out: Path,
    *,
    formats: Sequence[Format] | None = None,
    test: LabelledImages | None = None,
    edge_tpu: bool = False,
    replace: bool = False,
) -> BundleSummary:
    """Write ``compressed`` as a bundle, the directory ``out``.

    Every artifact is run in its engine and compared with the Keras model on calibration images and the
    images of ``test``. Only TF.js may remain unchecked, if Node.js or its packages are missing; this is
    logged as a warning and recorded in the manifest. Without ``formats``, ONNX and TF.js are left out if they
    cannot represent the network; the reason is logged as a warning and stated in the summary and the model
    card. With ``edge_tpu`` the bundle contains an integer-only TFLite file whose operators the Edge TPU
    compiler supports.

    Raises RecipeError for an unknown format or one that an Edge TPU does not run, ConversionError for an
    artifact that cannot be converted, that the Edge TPU cannot run or that exceeds its tolerance,
    EngineError for a missing engine, HanjiError if ``out`` exists (unless ``replace``) or cannot be written.
    Nothing is left behind on an error.
    """
    check_options("formats", formats or FORMATS, EDGE_TPU_FORMATS if edge_tpu else FORMATS)
    with atomic_directory(out, replace=replace) as staging:
        expected = image_reference(compressed, test)
        files = ClassifierFiles(compressed, edge_tpu=edge_tpu)
        checked, left_out = _all_checked(files, formats, expected)
        write_files(staging, _contents(files, expected, checked, left_out))
    return BundleSummary(out, tuple(entry.converted.artifact for entry in checked), left_out)


def _all_checked(
    files: ClassifierFiles, formats: Sequence[Format] | None, expected: ImageReference
) -> tuple[list[Checked], dict[str, str]]:
    """The artifacts, and the reasons for formats without one, which only those not asked for may be."""
    checked: list[Checked] = []
    left_out: dict[str, str] = {}
    for target in (name for name in FORMATS if name in (formats or FORMATS)):
        try:
            checked.append(_checked(files, target, expected))
        except (ConversionError, EngineError) as error:
            if formats is not None or target in REQUIRED_FORMATS:
                raise
            left_out[target] = str(error)
            logger.warning(f"{target} is LEFT OUT of the bundle: {error}")
    return checked, left_out


def _checked(files: ClassifierFiles, target: Format, expected: ImageReference) -> Checked:
    converted = files.converted(target)
    expect_known_operators(target, converted.contents)
    try:
        outputs = files.run(converted, expected.queries)
    except TfjsMissingError as error:
        logger.warning(f"{target} is NOT checked in its engine: {error}")
        return Checked(with_parity(converted, Parity(checked=False, reason=str(error))), None)
    allowed = IMAGE_TOLERANCES[target][files.compressed.scheme]
    parity = image_parity(converted.artifact, expected, outputs, allowed, remedy(files.compressed, target))
    tolerance = image_replay_tolerance(converted.artifact.precision)
    return Checked(with_parity(converted, parity), (outputs, tolerance))


def _contents(
    files: ClassifierFiles,
    expected: ImageReference,
    checked: Sequence[Checked],
    left_out: Mapping[str, str],
) -> dict[str, bytes]:
    """All files of the bundle by path, with the manifest and its checksum last."""
    artifacts = [entry.converted.artifact for entry in checked]
    replays = {entry.converted.artifact.format: entry.replay for entry in checked if entry.replay}
    compressed, full = files.compressed, files.compressed.full
    golden = image_golden_table(full.image_input, expected.images[: expected.golden], replays)
    data = {
        LABELS: json_bytes(labels_table(full.labels, full.names)),
        GOLDEN: json_bytes(golden),
        CARD: classifier_card(compressed, artifacts, files.probabilities, left_out).encode(),
    }
    entries = [file_entry(path, content) for path, content in data.items()]
    manifest = manifest_files(
        classifier_manifest_table(compressed, artifacts, entries, files.image_input, files.probabilities)
    )
    converted = {path: content for entry in checked for path, content in entry.converted.contents.items()}
    return {**converted, **data, **manifest}


__all__ = ["CARD", "export_classifier"]
