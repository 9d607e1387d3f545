"""MODEL_CARD.md of a classifier: what it is for, what it was made from, and what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.export.bundle.manifest import parameters
from hanji.export.classifiers.manifest import model_type, own_parameters
from hanji.export.classifiers.parity import ImageParity
from hanji.export.classifiers.precision import MEANINGS
from hanji.export.formats.weights import FLOAT32_BYTES
from hanji.export.reporting.markdown import FORMAT_NAMES, metric, table
from hanji.runtime.manifest import Artifact, Parity, Probabilities
from hanji.training.classifiers.metrics import PROTOCOL

_MOST_LABELS = 40  # that the card lists


def classifier_card(
    compressed: CompressedClassifier, artifacts: Sequence[Artifact], probabilities: Probabilities
) -> str:
    """The text of the card, in Markdown."""
    sections = (
        _heading(compressed),
        _intended_use(compressed, probabilities),
        _training_data(compressed),
        _metrics(compressed),
        _sizes(compressed, artifacts),
        _parity(artifacts),
        _limits(compressed),
    )
    return "\n\n".join(sections) + "\n"


def _heading(compressed: CompressedClassifier) -> str:
    steps = " → ".join(step["type"] for step in compressed.recipe.tables) or "none"
    synthetic = "**Trained on synthetic pictures: a demonstration, of no use with real ones.**\n\n"
    return (
        f"# {compressed.full.data.name}: {model_type(compressed)} classifier\n\n"
        + (synthetic if compressed.full.data.synthetic else "")
        + f"Compressed by the recipe `{compressed.recipe.name}` (steps: {steps}; sha256 "
        f"`{compressed.recipe.sha256}`). Seed {compressed.full.seed}."
    )


def _intended_use(compressed: CompressedClassifier, probabilities: Probabilities) -> str:
    labels, image_input = compressed.full.labels, compressed.full.image_input
    around = "Normalization, the calibrated temperature and the softmax lie in the model."
    if probabilities.source != "graph":
        around = "The runtime normalizes them, and makes probabilities of the model's logits."
    shown = ", ".join(labels[:_MOST_LABELS]) + (", …" if len(labels) > _MOST_LABELS else "")
    return (
        f"## Intended use\n\nSays which of {len(labels)} classes a picture shows, on the device and without "
        f"a network: {shown}.\n\nIt takes pictures of {image_input.height} × {image_input.width} pixels with "
        f"{image_input.channels} channel(s) as levels of 0 to 255; what makes any picture one of these the "
        f"manifest says. {around}"
    )


def _training_data(compressed: CompressedClassifier) -> str:
    data = compressed.full.data
    count = f"{data.pictures} training pictures" if data.pictures else "an unknown number of pictures"
    return (
        f"## Training data\n\n{data.name} (format {data.format}): {count} of {data.classes} classes.\n\n"
        f"Licence of the data: {data.licence or 'not stated'}. Whether a model trained on it may be passed "
        "on depends on that licence."
    )


def _metrics(compressed: CompressedClassifier) -> str:
    full, own = compressed.full.metrics, compressed.metrics
    rows = [[name, metric(full.get(name)), metric(own.get(name))] for name in sorted({*full, *own})]
    return (
        f"## Metrics\n\nOn the test pictures: {PROTOCOL}. `macro_top1` counts each class alike, `nll` and "
        "`ece` (calibration error) say how well the probabilities fit; for them less is better. Measured in "
        "Keras; the exported files are held against it below.\n\n"
        + table(["", "full model", "this model"], rows)
    )


def _sizes(compressed: CompressedClassifier, artifacts: Sequence[Artifact]) -> str:
    count, full = own_parameters(compressed), parameters(compressed.full.model)
    rows = [
        [FORMAT_NAMES[entry.format], entry.precision, f"{entry.bytes:,}", MEANINGS[entry.precision]]
        for entry in artifacts
    ]
    notes = "".join(f"\n- {note}" for note in compressed.notes)
    return (
        f"## Sizes\n\n{count:,} parameters; the full model has {full:,}, which are {FLOAT32_BYTES * full:,} "
        "bytes in 32-bit floats.\n\n"
        + table(["artifact", "precision", "bytes", "what it holds"], rows)
        + (f"\n\nWhat the compression does not buy:\n{notes}" if notes else "")
    )


def _parity(artifacts: Sequence[Artifact]) -> str:
    rows = [[FORMAT_NAMES[artifact.format], *_parity_cells(artifact.parity)] for artifact in artifacts]
    return (
        "## Parity\n\n"
        "Each artifact in its real engine against the compressed model in Keras: the typical (root mean "
        "square) and the largest difference of a probability, and the share of pictures with the same best "
        "class. What is allowed stands in brackets.\n\n"
        + table(["artifact", "engine", "typical difference", "largest difference", "same best class"], rows)
    )


def _parity_cells(parity: Parity) -> list[str]:
    if not isinstance(parity, ImageParity):
        return [f"**not checked**: {parity.reason}", "", "", ""]
    return [
        str(parity.engine),
        f"{parity.typical_error:.3g} (at most {parity.typical_tolerance:g})",
        f"{parity.max_abs_error:.3g} (at most {parity.score_tolerance:g})",
        f"{parity.top1_agreement:.4f} (at least {parity.minimum_top1_agreement:g})",
    ]


def _limits(compressed: CompressedClassifier) -> str:
    return (
        "## Limits\n\n"
        "- It knows only the classes above, and names one of them for any picture, also for one that shows "
        "none of them. A low probability is a hint, no proof.\n"
        "- Its probabilities were fitted on pictures like those it was trained on; of other cameras, light "
        "or framing they say less.\n"
        "- Whatever bias the training pictures have, it has, too."
    )


__all__ = ["classifier_card"]
