"""Reads the manifest.json of a recommender."""

from __future__ import annotations

from collections.abc import Iterator

from hanji.runtime.json_table import LARGEST_INTEGER, Table
from hanji.runtime.manifest.parts import common_fields, common_problems
from hanji.runtime.manifest.types import RECOMMENDATION, IdTable, RecommenderManifest, Signature, TrainingData


def recommender_manifest(table: Table) -> RecommenderManifest:
    """Read the manifest from ``table``; BundleError naming the field that violates the schema."""
    ids = table.table("ids")
    return RecommenderManifest(
        **common_fields(table, RECOMMENDATION, _check_signatures, "top10_overlap"),
        training_data=_training_data(table.table("training_data")),
        users=_id_table(ids.table("users"), ("popularity", "error")) if "users" in ids.keys else None,
        items=_id_table(ids.table("items"), ("skip", "error")),
    )


def recommender_problems(manifest: RecommenderManifest) -> Iterator[str]:
    """Constraints beyond JSON Schema: paths are unique and listed in files, sizes agree."""
    yield from _signature_problems(manifest)
    named = {"ids.items.path": manifest.items.path}
    if manifest.users is not None:
        named = {"ids.users.path": manifest.users.path, **named}
    yield from common_problems(manifest, named)


def _signature_problems(manifest: RecommenderManifest) -> Iterator[str]:
    for index, artifact in enumerate(manifest.artifacts):
        place = f"artifacts[{index}].signatures"
        main = artifact.main_signature
        if (main == "catalogue") != (manifest.users is not None):
            found = f"{main!r} {'without' if manifest.users is None else 'with'} ids.users"
            expected = "expected ids.users if and only if there is a signature 'catalogue'"
            yield f"{place}: {expected}, found {found}"
        shape, items = artifact.signatures[main].outputs[0].shape, manifest.items.count
        if shape != (items,):
            expected = f"expected [{items}] (ids.items.count), found {list(shape)}"
            yield f"{place}.{main}.outputs[0].shape: {expected}"


def _check_signatures(table: Table, signatures: dict[str, Signature]) -> None:
    if ("catalogue" in signatures) == ("history" in signatures):
        table.fail("signatures", "a signature 'catalogue' or a signature 'history', not both")
    for name, other in (("pairs", "catalogue"), ("why", "history")):
        if name in signatures and other not in signatures:
            table.fail("signatures", f"{name!r} only together with {other!r}")
    if "classify" in signatures:
        table.fail("signatures", "no signature 'classify', which belongs to image-classification")


def _id_table(table: Table, policies: tuple[str, ...]) -> IdTable:
    return IdTable(table.path("path"), table.count("count"), table.choice("unknown", policies))


def _training_data(table: Table) -> TrainingData:
    return TrainingData(
        name=table.text("name"),
        format=table.text("format"),
        synthetic=table.boolean("synthetic"),
        licence=table.text("licence", shortest=0),
        users=table.count("users"),
        items=table.count("items"),
        interactions=table.integer("interactions", 1, LARGEST_INTEGER),
        config=table.table("config").plain(),
        content=table.sha256("content") if "content" in table.keys else "",
    )
