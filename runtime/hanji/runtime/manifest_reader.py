"""Reads manifest.json into ``hanji.runtime.manifest``'s dataclasses.

A reader refuses a ``schema_version`` it does not know and ignores fields it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from hanji.runtime.errors import BundleError, SchemaVersionError
from hanji.runtime.json_table import LARGEST_COUNT, LARGEST_INTEGER, Table, as_integer, parse_json
from hanji.runtime.manifest import (
    Artifact,
    EngineRequirement,
    FileEntry,
    IdTable,
    Manifest,
    Metrics,
    ModelSummary,
    Parity,
    RecipeSummary,
    Signature,
    Tensor,
    TrainingData,
)

SCHEMA_VERSION = 1
DTYPES = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}")


def parse_manifest(content: bytes, where: str = "manifest.json") -> Manifest:
    """The manifest in ``content`` (UTF-8 JSON).

    Raises SchemaVersionError for a version this reader does not know, BundleError naming the
    field for anything that the schema or the consistency of the fields forbids.
    """
    manifest = _manifest(parse_json(content, where))
    check_consistency(manifest, where)
    return manifest


def check_consistency(manifest: Manifest, where: str) -> None:
    """What a JSON Schema cannot say: paths are unique and refer to listed files, sizes agree."""
    problem = next(chain(_artifact_problems(manifest), _path_problems(manifest)), None)
    if problem is not None:
        raise BundleError(f"{where}: {problem}; export the bundle again")


def _path_problems(manifest: Manifest) -> Iterator[str]:
    listed: set[str] = set()
    for file in manifest.all_files:
        folded = file.path.lower()  # one file on systems that ignore case
        if folded in listed:
            yield f"the path {file.path!r} is listed twice"
        listed.add(folded)
    own = {file.path for file in manifest.files}
    named = {"ids.items.path": manifest.items.path, "golden": manifest.golden}
    if manifest.users is not None:
        named = {"ids.users.path": manifest.users.path, **named}
    for field, path in named.items():
        if path not in own:
            yield f"{field}: {path!r} is not among the bundle's files"


def _artifact_problems(manifest: Manifest) -> Iterator[str]:
    formats = [artifact.format for artifact in manifest.artifacts]
    if len(set(formats)) != len(formats):
        yield f"artifacts: expected one artifact per format, found {', '.join(formats)}"
    for index, artifact in enumerate(manifest.artifacts):
        place = f"artifacts[{index}].signatures"
        own = {file.path for file in artifact.files}
        for name, signature in artifact.signatures.items():
            if signature.path not in own:
                yield f"{place}.{name}.path: {signature.path!r} is not among the artifact's files"
        main = artifact.main_signature
        if (main == "catalogue") != (manifest.users is not None):
            found = f"{main!r} {'without' if manifest.users is None else 'beside'} ids.users"
            yield f"{place}: expected ids.users beside 'catalogue', and only there, found {found}"
        shape, items = artifact.signatures[main].outputs[0].shape, manifest.items.count
        if shape != (items,):
            expected = f"expected [{items}] (ids.items.count), found {list(shape)}"
            yield f"{place}.{main}.outputs[0].shape: {expected}"


def _manifest(table: Table) -> Manifest:
    _check_version(table)
    ids = table.table("ids")
    return Manifest(
        schema_version=SCHEMA_VERSION,
        name=table.text("name"),
        task=table.choice("task", ("recommendation",)),
        model=_model(table.table("model")),
        artifacts=tuple(_artifact(entry) for entry in table.tables("artifacts", shortest=1)),
        files=_files(table),
        users=_id_table(ids.table("users"), ("popularity", "error")) if "users" in ids.keys else None,
        items=_id_table(ids.table("items"), ("skip", "error")),
        preprocessing=table.texts("preprocessing"),
        golden=table.path("golden"),
        recipe=_recipe(table.table("recipe")),
        metrics=_metrics(table.table("metrics")),
        training_data=_training_data(table.table("training_data")),
        seed=table.integer("seed", 0, LARGEST_INTEGER),
        versions=table.texts("versions"),
    )


def _check_version(table: Table) -> None:
    version = table.integer("schema_version", 1, LARGEST_INTEGER)
    if version != SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{table.where}: schema_version: this hanji-runtime reads version {SCHEMA_VERSION}, "
            f"found {version}; upgrade it: pip install --upgrade hanji-runtime"
        )


def _model(table: Table) -> ModelSummary:
    return ModelSummary(table.text("type"), table.count("parameters"), table.count("full_parameters"))


def _files(table: Table) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(entry.path("path"), entry.count("bytes"), entry.sha256("sha256"))
        for entry in table.tables("files", shortest=1)
    )


def _artifact(table: Table) -> Artifact:
    signatures = {name: _signature(entry) for name, entry in table.named_tables("signatures").items()}
    if ("catalogue" in signatures) == ("history" in signatures):
        table.fail("signatures", "a signature 'catalogue' or a signature 'history', not both")
    for name, other in (("pairs", "catalogue"), ("why", "history")):
        if name in signatures and other not in signatures:
            table.fail("signatures", f"{name!r} beside {other!r} only")
    return Artifact(
        format=table.text("format"),
        precision=table.text("precision"),
        files=_files(table),
        engines=tuple(_engine(entry) for entry in table.tables("engines", shortest=1)),
        signatures=signatures,
        parity=_parity(table.table("parity")),
    )


def _engine(table: Table) -> EngineRequirement:
    version = table.text("oldest_version")
    if not _VERSION.fullmatch(version):
        table.fail("oldest_version", "a version such as '1.17.0'")
    return EngineRequirement(table.text("name"), version)


def _signature(table: Table) -> Signature:
    return Signature(
        path=table.path("path"),
        inputs=tuple(_tensor(entry) for entry in table.tables("inputs", shortest=1)),
        outputs=tuple(_tensor(entry) for entry in table.tables("outputs", shortest=1)),
    )


def _tensor(table: Table) -> Tensor:
    shape = [None if size is None else as_integer(size) or 0 for size in table.array("shape")]
    if any(size is not None and not 1 <= size <= LARGEST_COUNT for size in shape):
        table.fail("shape", f"sizes of 1 to {LARGEST_COUNT}, or null")
    return Tensor(
        name=table.text("name"),
        dtype=table.choice("dtype", DTYPES),
        shape=tuple(shape),
        scale=table.optional_scale("scale"),
        zero_point=table.optional_integer("zero_point", -(2**31), 2**31 - 1),
    )


def _parity(table: Table) -> Parity:
    if not table.boolean("checked"):
        return Parity(checked=False, reason=table.text("reason"))
    return Parity(
        checked=True,
        engine=table.text("engine"),
        max_abs_error=table.number("max_abs_error", smallest=0),
        score_tolerance=table.number("score_tolerance", smallest=0),
        top10_overlap=table.number("top10_overlap", smallest=0, largest=1),
        minimum_top10_overlap=table.number("minimum_top10_overlap", smallest=0, largest=1),
    )


def _id_table(table: Table, policies: tuple[str, ...]) -> IdTable:
    return IdTable(table.path("path"), table.count("count"), table.choice("unknown", policies))


def _recipe(table: Table) -> RecipeSummary:
    steps = table.tables("steps")
    for step in steps:
        step.text("type")
    return RecipeSummary(table.text("name"), table.sha256("sha256"), tuple(step.plain() for step in steps))


def _metrics(table: Table) -> Metrics:
    return Metrics(table.text("protocol"), table.numbers("full"), table.numbers("compressed"))


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
    )
