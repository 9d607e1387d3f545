"""MODEL_CARD.md: what the model is for, what it was made from, and what it cannot do."""

from __future__ import annotations

from collections.abc import Sequence

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.export.bundle.manifest import parameters
from hanji.export.formats.weights import FLOAT32_BYTES
from hanji.export.recommenders.parity import Measured
from hanji.export.recommenders.precision import MEANINGS
from hanji.export.reporting.markdown import FORMAT_NAMES, metric, table
from hanji.runtime.manifest import Artifact, Parity
from hanji.training.recommenders.evaluation import PROTOCOL


def model_card(compressed: CompressedModel, artifacts: Sequence[Artifact]) -> str:
    """The text of the card, in Markdown."""
    sections = (
        _heading(compressed),
        _intended_use(compressed),
        _training_data(compressed),
        _metrics(compressed),
        _sizes(compressed, artifacts),
        _parity(artifacts),
        _limits(compressed),
    )
    return "\n\n".join(sections) + "\n"


def _heading(compressed: CompressedModel) -> str:
    synthetic = "\n\n**Trained on synthetic data: a demonstration, of no use with real users.**"
    steps = " → ".join(step["type"] for step in compressed.recipe.tables) or "none"
    return (
        f"# {compressed.full.data.name}: {compressed.config.type} recommender"
        + (synthetic if compressed.full.data.synthetic else "")
        + f"\n\nCompressed by the recipe `{compressed.recipe.name}` (steps: {steps}; sha256 "
        f"`{compressed.recipe.sha256}`). Seed {compressed.full.seed}."
    )


def _intended_use(compressed: CompressedModel) -> str:
    catalogue = compressed.full.catalogue
    if not compressed.config.has_users:
        asked = (
            f"Ranks a catalogue of {catalogue.items} items for anybody, known or new, by the items that this "
            "person has met so far: their history, on their own device and without a network. "
        )
        kept = (
            "\n\nIt knows no users: it holds nobody's id, numbers or interactions, only what was learned "
            "about the items. A history goes into the model on the device; nothing asks for it anywhere else."
        )
    else:
        asked = (
            f"Ranks a catalogue of {catalogue.items} items for each of {catalogue.users} known users, on the "
            "user's own device and without a network. "
        )
        kept = ""
    return (
        f"## Intended use\n\n{asked}A score is a logit: it orders the items of one user. It is "
        f"not a rating or a probability, and scores of different users do not compare.{kept}"
    )


def _training_data(compressed: CompressedModel) -> str:
    data = compressed.full.data
    return (
        "## Training data\n\n"
        f"{data.name} ({'synthetic' if data.synthetic else 'real'}; format {data.format}): "
        f"{data.interactions} interactions of {data.users} users with {data.items} items.\n\n"
        f"Licence of the data: {data.licence or 'not stated'}. Whether a model trained on it may be passed "
        "on depends on that licence."
    )


def _metrics(compressed: CompressedModel) -> str:
    full, own = compressed.full.metrics, compressed.metrics
    rows = [[name, metric(full.get(name)), metric(own.get(name))] for name in sorted({*full, *own})]
    return f"## Metrics\n\nOn the test set: {PROTOCOL}.\n\n" + table(["", "full model", "this model"], rows)


def _sizes(compressed: CompressedModel, artifacts: Sequence[Artifact]) -> str:
    count, full = parameters(compressed.model), parameters(compressed.full.model)
    rows = [
        [FORMAT_NAMES[entry.format], entry.precision, f"{entry.bytes:,}", MEANINGS[entry.precision]]
        for entry in artifacts
    ]
    return (
        "## Sizes\n\n"
        f"{count:,} parameters; the full model has {full:,}, which are {FLOAT32_BYTES * full:,} bytes in "
        "32-bit floats.\n\n" + table(["artifact", "precision", "bytes", "what it holds"], rows)
    )


def _parity(artifacts: Sequence[Artifact]) -> str:
    rows = [[FORMAT_NAMES[artifact.format], *_parity_cells(artifact.parity)] for artifact in artifacts]
    return (
        "## Parity\n\n"
        "Each artifact in its real engine against the compressed model in Keras: the typical (root mean "
        "square) and the largest difference of a score, and the mean share of the same ten best items. What "
        "is allowed stands in brackets.\n\n"
        + table(["artifact", "engine", "typical difference", "largest difference", "same top 10"], rows)
    )


def _parity_cells(parity: Parity) -> list[str]:
    if not isinstance(parity, Measured):
        return [f"**not checked**: {parity.reason}", "", "", ""]
    return [
        str(parity.engine),
        f"{parity.typical_error:.3g} (at most {parity.typical_tolerance:.3g})",
        f"{parity.max_abs_error:.3g} (at most {parity.score_tolerance:.3g})",
        f"{parity.top10_overlap:.4f} (at least {parity.minimum_top10_overlap:g})",
    ]


def _limits(compressed: CompressedModel) -> str:
    synthetic = "- The data is synthetic: the titles and tastes are invented.\n"
    return (
        "## Limits\n\n"
        + (synthetic if compressed.full.data.synthetic else "")
        + _strangers(compressed)
        + "- It learned who interacted with what, not why. Popular items are recommended more often than "
        "they deserve, and whatever bias the data has, it has, too.\n"
        "- The metrics rank one held-out item among 99 others; over the whole catalogue they are lower.\n"
        "- Tastes change; it does not, until it is trained again."
    )


def _strangers(compressed: CompressedModel) -> str:
    if not compressed.config.has_users:
        return (
            "- It knows only the items it was trained on: a new one is never recommended, and says nothing "
            "in a history. Who has met no item that it knows gets the most popular ones.\n"
            "- The reasons it can give are the shares of the history's items in its own score, not why a "
            "person likes something.\n"
        )
    return (
        "- It knows only the users and items it was trained on. A new user gets the most popular items or "
        "an error, as the manifest says; a new item is never recommended.\n"
    )


__all__ = ["model_card"]
