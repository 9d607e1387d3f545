"""MODEL_CARD.md of a classifier: intended use, training data, metrics, sizes, parity and limitations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.manifest import parameters
from hanji.export.bundle.markdown import FORMAT_NAMES, code, metric, plain, table
from hanji.export.classifiers.manifest import model_type, own_parameters
from hanji.export.classifiers.parity import ImageParity
from hanji.export.classifiers.precision import MEANINGS
from hanji.export.formats.weights import FLOAT32_BYTES
from hanji.runtime.manifest import Artifact, Parity, Probabilities
from hanji.training.classifiers.metrics import PROTOCOL

_MAX_LABELS = 40  # listed in the card


def classifier_card(
    compressed: CompressedClassifier,
    artifacts: Sequence[Artifact],
    probabilities: Probabilities,
    left_out: Mapping[str, str],
) -> str:
    """The text of the card, in Markdown; ``left_out`` are formats without an artifact, with the reasons."""
    sections = (
        _heading(compressed),
        _intended_use(compressed, probabilities),
        _training_data(compressed),
        _metrics(compressed),
        _sizes(compressed, artifacts, left_out),
        _parity(artifacts),
        _LIMITATIONS,
    )
    return "\n\n".join(sections) + "\n"


def _heading(compressed: CompressedClassifier) -> str:
    steps = " → ".join(step["type"] for step in compressed.recipe.tables) or "none"
    synthetic = "**Trained on synthetic images: for demonstration only, not suitable for real images.**\n\n"
    return (
        f"# {plain(compressed.full.data.name)}: {model_type(compressed)} classifier\n\n"
        + (synthetic if compressed.full.data.synthetic else "")
        + f"Compressed with the recipe {code(compressed.recipe.name)} (steps: {steps}; SHA-256 "
        f"`{compressed.recipe.sha256}`). Seed: {compressed.full.seed}."
    )


def _intended_use(compressed: CompressedClassifier, probabilities: Probabilities) -> str:
    labels, image_input = compressed.full.labels, compressed.full.image_input
    processing = "Normalization, temperature scaling and softmax are part of the model."
    if probabilities.source != "graph":
        processing = "The runtime normalizes the input and turns the model's logits into probabilities."
    shown, more = map(plain, labels[:_MAX_LABELS]), len(labels) > _MAX_LABELS
    listed = ", ".join(shown) + (", …" if more else "")
    return (
        f"## Intended use\n\nClassifies an image into one of {len(labels)} classes, on-device and offline: "
        f"{listed}.\n\nInput: {image_input.height} × {image_input.width} pixels, {image_input.channels} "
        "channel(s), pixel values 0 to 255. The manifest specifies how an image of any other size is "
        f"resized. {processing}"
    )


def _training_data(compressed: CompressedClassifier) -> str:
    data = compressed.full.data
    count = f"{data.pictures} training images" if data.pictures else "an unknown number of training images"
    return (
        f"## Training data\n\n{plain(data.name)} (format: {data.format}): {count} in {data.classes} "
        "classes.\n\n"
        f"Licence of the data: {plain(data.licence) or 'not stated'}. Whether a model trained on it may be "
        "redistributed depends on that licence."
    )


def _metrics(compressed: CompressedClassifier) -> str:
    full, own = compressed.full.metrics, compressed.metrics
    rows = [[name, metric(full.get(name)), metric(own.get(name))] for name in sorted({*full, *own})]
    return (
        f"## Metrics\n\nOn the test set: {PROTOCOL}. `macro_top1` is the unweighted mean of the per-class "
        "accuracies. `nll` (negative log-likelihood) and `ece` (expected calibration error) measure the "
        "calibration of the probabilities; lower is better. Measured in Keras; the parity section below "
        "compares the exported files with the Keras model.\n\n"
        + table(["", "full model", "this model"], rows)
    )


def _sizes(
    compressed: CompressedClassifier, artifacts: Sequence[Artifact], left_out: Mapping[str, str]
) -> str:
    count, full = own_parameters(compressed), parameters(compressed.full.model)
    rows = [
        [FORMAT_NAMES[entry.format], entry.precision, f"{entry.bytes:,}", MEANINGS[entry.precision]]
        for entry in artifacts
    ]
    notes = "".join(f"\n- {plain(note)}" for note in compressed.notes)
    missing = "".join(
        f"\n\n{FORMAT_NAMES[name]} is left out, because it cannot represent this model: {plain(reason)}"
        for name, reason in left_out.items()
    )
    return (
        f"## Size\n\n{count:,} parameters. The full model has {full:,}, which take {FLOAT32_BYTES * full:,} "
        "bytes in float32.\n\n"
        + table(["artifact", "precision", "bytes", "description"], rows)
        + missing
        + (f"\n\nLimits of the compression:\n{notes}" if notes else "")
    )


def _parity(artifacts: Sequence[Artifact]) -> str:
    rows = [[FORMAT_NAMES[artifact.format], *_parity_cells(artifact.parity)] for artifact in artifacts]
    originals = [
        f"{FORMAT_NAMES[artifact.format]} {artifact.parity.original_agreement:.4f}"
        for artifact in artifacts
        if isinstance(artifact.parity, ImageParity) and artifact.parity.original_agreement is not None
    ]
    compared = f"\n\nTop-1 agreement with the model as it was given: {', '.join(originals)}."
    return (
        "## Parity\n\n"
        "Each artifact was run in its engine and compared with the compressed Keras model: the typical (root "
        "mean square) and the largest difference of a probability, and the share of images with the same "
        "top-1 class. Tolerances are given in parentheses.\n\n"
        + table(["artifact", "engine", "typical difference", "largest difference", "top-1 agreement"], rows)
        + (compared if originals else "")
    )


def _parity_cells(parity: Parity) -> list[str]:
    if not isinstance(parity, ImageParity):
        return [f"**not checked**: {plain(str(parity.reason))}", "", "", ""]
    return [
        str(parity.engine),
        f"{parity.typical_error:.3g} (at most {parity.typical_tolerance:g})",
        f"{parity.max_abs_error:.3g} (at most {parity.score_tolerance:g})",
        f"{parity.top1_agreement:.4f} (at least {parity.minimum_top1_agreement:g})",
    ]


_LIMITATIONS = (
    "## Limitations\n\n"
    "- The model knows only the classes above and predicts one of them for every image, including "
    "out-of-distribution images that show none of them. A low probability is an indication, not proof.\n"
    "- The probabilities are calibrated on images like the training images; with other cameras, lighting or "
    "framing they are less reliable.\n"
    "- The model inherits any bias of the training images."
)


__all__ = ["classifier_card"]
