"""MODEL_CARD.md of a recommender: intended use, training data, metrics, sizes, parity and limitations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.export.bundle.manifest import parameters
from hanji.export.bundle.markdown import FORMAT_NAMES, code, metric, plain, table
from hanji.export.formats.weights import FLOAT32_BYTES
from hanji.export.recommenders.parity import RecommenderParity
from hanji.export.recommenders.precision import MEANINGS
from hanji.runtime.manifest import Artifact, Parity


def model_card(compressed: CompressedModel, artifacts: Sequence[Artifact]) -> str:
    """The text of the card, in Markdown."""
    sections = (
        _heading(compressed),
        _intended_use(compressed),
        _training_data(compressed),
        _metrics(compressed),
        _sizes(compressed, artifacts),
        _parity(artifacts),
        _limitations(compressed),
    )
    return "\n\n".join(sections) + "\n"


def _heading(compressed: CompressedModel) -> str:
    synthetic = "\n\n**Trained on synthetic data: for demonstration only, not suitable for real users.**"
    steps = " → ".join(step["type"] for step in compressed.recipe.tables) or "none"
    return (
        f"# {plain(compressed.full.data.name)}: {compressed.config.type} recommender"
        + (synthetic if compressed.full.data.synthetic else "")
        + f"\n\nCompressed with the recipe {code(compressed.recipe.name)} (steps: {steps}; SHA-256 "
        f"`{compressed.recipe.sha256}`). Seed: {compressed.full.seed}."
    )


def _intended_use(compressed: CompressedModel) -> str:
    catalogue = compressed.full.catalogue
    if not compressed.config.has_users:
        purpose = (
            f"Ranks a catalogue of {catalogue.items} items for any user, including new ones, from the user's "
            f"history: the items the user has interacted with{_order(compressed)}. Runs on-device and "
            "offline. "
        )
        privacy = (
            "\n\nThe model contains no user data: no user ids, embeddings or interactions, only item "
            "parameters. A history is processed on the device and is not sent anywhere."
        )
    else:
        purpose = (
            f"Ranks a catalogue of {catalogue.items} items for each of {catalogue.users} known users. Runs "
            "on-device and offline. "
        )
        privacy = ""
    return (
        f"## Intended use\n\n{purpose}A score is a logit that ranks the items for one user. It is neither a "
        f"rating nor a probability, and scores of different users are not comparable.{privacy}"
    )


def _order(compressed: CompressedModel) -> str:
    """What the order of a history means to the model."""
    if not compressed.config.ordered:
        return ", in any order"
    return f", oldest first, of which the latest {compressed.config.history_ages:,} count"


def _training_data(compressed: CompressedModel) -> str:
    data = compressed.full.data
    return (
        "## Training data\n\n"
        f"{plain(data.name)} ({'synthetic' if data.synthetic else 'real'}; format: {data.format}): "
        f"{data.interactions} interactions of {data.users} users with {data.items} items.\n\n"
        f"Licence of the data: {plain(data.licence) or 'not stated'}. Whether a model trained on it may be "
        "redistributed depends on that licence."
    )


def _metrics(compressed: CompressedModel) -> str:
    full, own = compressed.full.metrics, compressed.metrics
    sampled = f"On the test set: {compressed.full.protocol}.\n\n{_metrics_table(full, own)}"
    return f"## Metrics\n\n{sampled}{_full_ranking(compressed)}"


def _full_ranking(compressed: CompressedModel) -> str:
    full, own = compressed.full.full_ranking, compressed.full_ranking
    if not full or not own:
        return ""
    return f"\n\nFull ranking: {compressed.full.full_protocol}.\n\n{_metrics_table(full, own)}"


def _metrics_table(full: Mapping[str, float], own: Mapping[str, float]) -> str:
    rows = [[name, metric(full.get(name)), metric(own.get(name))] for name in sorted({*full, *own})]
    return table(["", "full model", "this model"], rows)


def _sizes(compressed: CompressedModel, artifacts: Sequence[Artifact]) -> str:
    count, full = parameters(compressed.model), parameters(compressed.full.model)
    rows = [
        [FORMAT_NAMES[entry.format], entry.precision, f"{entry.bytes:,}", MEANINGS[entry.precision]]
        for entry in artifacts
    ]
    return (
        "## Size\n\n"
        f"{count:,} parameters. The full model has {full:,}, which take {FLOAT32_BYTES * full:,} bytes in "
        "float32.\n\n" + table(["artifact", "precision", "bytes", "description"], rows)
    )


def _parity(artifacts: Sequence[Artifact]) -> str:
    rows = [[FORMAT_NAMES[artifact.format], *_parity_cells(artifact.parity)] for artifact in artifacts]
    return (
        "## Parity\n\n"
        "Each artifact was run in its engine and compared with the compressed Keras model: the typical (root "
        "mean square) and the largest difference of a score, and the mean overlap of the top 10 items. "
        "Tolerances are given in parentheses.\n\n"
        + table(["artifact", "engine", "typical difference", "largest difference", "top-10 overlap"], rows)
    )


def _parity_cells(parity: Parity) -> list[str]:
    if not isinstance(parity, RecommenderParity):
        return [f"**not checked**: {plain(str(parity.reason))}", "", "", ""]
    return [
        str(parity.engine),
        f"{parity.typical_error:.3g} (at most {parity.typical_tolerance:.3g})",
        f"{parity.max_abs_error:.3g} (at most {parity.score_tolerance:.3g})",
        f"{parity.top10_overlap:.4f} (at least {parity.minimum_top10_overlap:g})",
    ]


def _limitations(compressed: CompressedModel) -> str:
    synthetic = "- The data is synthetic: titles and preferences are made up.\n"
    return (
        "## Limitations\n\n"
        + (synthetic if compressed.full.data.synthetic else "")
        + _unknown_ids(compressed)
        + _cold_items(compressed)
        + "- The model learned which items users interacted with, not why. It is subject to popularity bias "
        "(popular items are over-recommended) and inherits any other bias of the data.\n"
        "- Metrics that rank a held-out item among sampled negatives are higher than those of the whole "
        "catalogue, and can order models in another way.\n"
        "- Preferences drift over time; the model has to be retrained to follow them."
    )


def _cold_items(compressed: CompressedModel) -> str:
    count = compressed.full.catalogue.cold_items
    if not count:
        return ""
    return (
        f"- {count:,} of the items had no interaction in the training data. Their embeddings are predicted "
        "from genres and titles alone, and the metrics do not include them.\n"
    )


def _unknown_ids(compressed: CompressedModel) -> str:
    if not compressed.config.has_users:
        return (
            "- The model knows only the items it was trained on: an unknown item is never recommended and is "
            "ignored in a history. For a history without any known item, the most popular items are "
            "returned.\n"
            "- Explanations are the contributions of the history's items to the model's score; they do not "
            "explain why a user likes an item.\n"
        )
    return (
        "- The model knows only the users and items it was trained on. For an unknown user id it returns the "
        "most popular items or an error, as configured in the manifest; an unknown item is never "
        "recommended.\n"
    )


__all__ = ["model_card"]
