"""From a compressed classifier to a bundle on disk: convert, check, describe, write whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
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
from hanji.export.classifiers.artifacts import ClassifierFiles
from hanji.export.classifiers.config import EDGE_TPU_FORMATS
from hanji.export.classifiers.expected_outputs import ImageReference, image_reference
from hanji.export.classifiers.golden import image_golden_table, image_replay_tolerance
from hanji.export.classifiers.manifest import CARD, GOLDEN, LABELS, classifier_manifest_table, labels_table
from hanji.export.classifiers.model_card import classifier_card
from hanji.export.classifiers.parity import image_parity
from hanji.export.classifiers.tolerances import IMAGE_TOLERANCES
from hanji.export.formats.names import FORMATS, Format
from hanji.export.formats.tfjs_node import TfjsMissingError
from hanji.runtime.manifest import Parity
from hanji.training.classifiers.data import LabelledImages
from hanji.training.files import atomic_directory
from hanji.training.progress import logger


def export_classifier(
    compressed: CompressedClassifier,
    out: Path,
    *,
    formats: Sequence[Format] = FORMATS,
    test: LabelledImages | None = None,
    edge_tpu: bool = False,
    replace: bool = False,
) -> BundleSummary:
    """Write ``compressed`` as a bundle, the directory ``out``.

    Every artifact is run in its real engine and held against the Keras model, over calibration pictures and
    those of ``test``; only TF.js may go unchecked, where Node.js or its packages are missing; that is said
    aloud and stands in the manifest. With ``edge_tpu`` the bundle holds a TFLite file of whole numbers only,
    every operator of which the Edge TPU's compiler lists.

    Raises RecipeError for a format that does not exist or that an Edge TPU does not run, ConversionError for
    an artifact that cannot be made, that the Edge TPU cannot run or that drifts past its tolerance,
    EngineError for a missing engine, HanjiError if ``out`` is taken (unless ``replace``) or cannot be
    written. Then nothing is left behind.
    """
    check_options("formats", formats, EDGE_TPU_FORMATS if edge_tpu else FORMATS)
    with atomic_directory(out, replace=replace) as aside:
        expected = image_reference(compressed, test)
        files = ClassifierFiles(compressed, edge_tpu=edge_tpu)
        checked = [_checked(files, target, expected) for target in FORMATS if target in formats]
        write_files(aside, _contents(files, expected, checked))
    return BundleSummary(out, tuple(entry.converted.artifact for entry in checked))


def _checked(files: ClassifierFiles, target: Format, expected: ImageReference) -> Checked:
    converted = files.converted(target)
    try:
        answers = files.asked(converted, expected.questions)
    except TfjsMissingError as error:
        logger.warning(f"{target} is NOT checked in its engine: {error}")
        return Checked(with_parity(converted, Parity(checked=False, reason=str(error))), None)
    allowed = IMAGE_TOLERANCES[target][files.compressed.scheme]
    parity = image_parity(converted.artifact, expected, answers, allowed)
    tolerance = image_replay_tolerance(converted.artifact.precision)
    return Checked(with_parity(converted, parity), (answers, tolerance))


def _contents(
    files: ClassifierFiles, expected: ImageReference, checked: Sequence[Checked]
) -> dict[str, bytes]:
    """Every file of the bundle by its path, the manifest and its checksum last."""
    artifacts = [entry.converted.artifact for entry in checked]
    replays = {entry.converted.artifact.format: entry.replay for entry in checked if entry.replay}
    compressed, full = files.compressed, files.compressed.full
    golden = image_golden_table(full.image_input, expected.images[: expected.golden], replays)
    data = {
        LABELS: json_bytes(labels_table(full.labels, full.names)),
        GOLDEN: json_bytes(golden),
        CARD: classifier_card(compressed, artifacts, files.probabilities).encode(),
    }
    entries = [file_entry(path, content) for path, content in data.items()]
    manifest = manifest_files(
        classifier_manifest_table(compressed, artifacts, entries, files.image_input, files.probabilities)
    )
    converted = {path: content for entry in checked for path, content in entry.converted.contents.items()}
    return {**converted, **data, **manifest}


__all__ = ["CARD", "export_classifier"]
