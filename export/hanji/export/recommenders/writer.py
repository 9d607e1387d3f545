"""Writes a compressed recommender as a bundle: converts, checks parity, describes, and writes atomically."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hanji.compression.recommenders.compressed import CompressedModel
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
from hanji.export.bundle.queries import run_queries
from hanji.export.formats.names import FORMATS, Format
from hanji.export.formats.tfjs_node import TfjsMissingError
from hanji.export.recommenders.artifacts import convert
from hanji.export.recommenders.config import check_unknown_user
from hanji.export.recommenders.expected_outputs import Reference, reference
from hanji.export.recommenders.golden import golden_table, replay_tolerance
from hanji.export.recommenders.manifest import (
    UNKNOWN_ITEM,
    UNKNOWN_USER,
    Policies,
    items_path,
    manifest_table,
    users_path,
)
from hanji.export.recommenders.model_card import model_card
from hanji.export.recommenders.parity import recommender_parity
from hanji.export.recommenders.table_files import id_table, item_table
from hanji.export.recommenders.tolerances import TOLERANCES
from hanji.runtime.manifest import Parity
from hanji.runtime.manifest.types import TABLE_SUFFIX
from hanji.training.files import atomic_directory
from hanji.training.progress import logger
from hanji.training.recommenders.data import Catalogue


def export_bundle(
    compressed: CompressedModel,
    out: Path,
    *,
    formats: Sequence[Format] = FORMATS,
    unknown_user: str = "popularity",
    unknown_item: str = "skip",
    replace: bool = False,
) -> BundleSummary:
    """Write ``compressed`` as a bundle, the directory ``out``.

    Every artifact is run in its engine and compared with the Keras model. Only TF.js may remain unchecked, if
    Node.js or its packages are missing; this is logged as a warning and recorded in the manifest.
    ``unknown_user`` is "popularity" or "error" and does not apply to history models; ``unknown_item`` is
    "skip" or "error".

    Raises RecipeError for an unknown option, ConversionError for an artifact that cannot be converted or
    exceeds its tolerance, EngineError for a missing engine, HanjiError if ``out`` exists (unless ``replace``)
    or cannot be written. Nothing is left behind on an error.
    """
    check_options("formats", formats, FORMATS)
    check_options("unknown_user", [unknown_user], UNKNOWN_USER)
    check_options("unknown_item", [unknown_item], UNKNOWN_ITEM)
    check_unknown_user(unknown_user, has_users=compressed.config.has_users)
    with atomic_directory(out, replace=replace) as staging:
        catalogue = compressed.full.catalogue
        expected = reference(compressed.model, catalogue.users, catalogue.items)
        checked = [_checked(compressed, target, expected) for target in FORMATS if target in formats]
        write_files(staging, _contents(compressed, expected, checked, Policies(unknown_user, unknown_item)))
    return BundleSummary(out, tuple(entry.converted.artifact for entry in checked))


def _checked(compressed: CompressedModel, target: Format, expected: Reference) -> Checked:
    converted = convert(compressed.model, expected.scores.shape[1], compressed.scheme, target)
    expect_known_operators(target, converted.contents)
    try:
        outputs = run_queries(converted, expected.all_queries)
    except TfjsMissingError as error:
        logger.warning(f"{target} is NOT checked in its engine: {error}")
        return Checked(with_parity(converted, Parity(checked=False, reason=str(error))), None)
    allowed = TOLERANCES[target][compressed.scheme]
    parity = recommender_parity(converted.artifact, expected, outputs, allowed)
    tolerance = replay_tolerance(converted.artifact, expected, allowed)
    return Checked(with_parity(converted, parity), (outputs, tolerance))


def _contents(
    compressed: CompressedModel, expected: Reference, checked: Sequence[Checked], policies: Policies
) -> dict[str, bytes]:
    """All files of the bundle by path, with the manifest and its checksum last."""
    catalogue = compressed.full.catalogue
    artifacts = [entry.converted.artifact for entry in checked]
    replays = {entry.converted.artifact.format: entry.replay for entry in checked if entry.replay}
    data = {
        **(_users_file(catalogue) if compressed.config.has_users else {}),
        **_items_file(catalogue),
        "golden.json": json_bytes(golden_table(catalogue, expected, replays)),
        "MODEL_CARD.md": model_card(compressed, artifacts).encode(),
    }
    entries = [file_entry(path, content) for path, content in data.items()]
    manifest = manifest_files(manifest_table(compressed, artifacts, entries, policies))
    converted = {path: content for entry in checked for path, content in entry.converted.contents.items()}
    return {**converted, **data, **manifest}


def _users_file(catalogue: Catalogue) -> dict[str, bytes]:
    path = users_path(catalogue)
    ids = catalogue.user_ids
    return {path: id_table(ids) if path.endswith(TABLE_SUFFIX) else json_bytes({"ids": ids})}


def _items_file(catalogue: Catalogue) -> dict[str, bytes]:
    path = items_path(catalogue)
    if path.endswith(TABLE_SUFFIX):
        return {path: item_table(catalogue)}
    table = {
        "ids": catalogue.item_ids,
        "titles": catalogue.titles,
        "genres": catalogue.genres,
        "popularity": catalogue.popularity,
    }
    return {path: json_bytes(table)}


__all__ = ["BundleSummary", "export_bundle"]
