"""Reads the parts of manifest.json common to all tasks, and checks constraints beyond the JSON Schema.

``reader`` combines them with the task-specific parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypedDict

from hanji.runtime.json_table import LARGEST_COUNT, LARGEST_INTEGER, Table, as_integer
from hanji.runtime.manifest.types import (
    Artifact,
    EngineRequirement,
    FileEntry,
    Manifest,
    Metrics,
    ModelSummary,
    Parity,
    RecipeSummary,
    Signature,
    Tensor,
)

SCHEMA_VERSION = 1
OUTPUT_SCHEMA_VERSION = 2
"""Of a classifier with an ``output``, which earlier readers would take for the classes of one label."""
DTYPES = ("float32", "float16", "int8", "uint8", "int16", "int32", "int64")
_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}")

CheckSignatures = Callable[[Table, dict[str, Signature]], None]
"""Calls ``fail`` on the artifact's table if these are not the signatures of its task."""


class CommonFields(TypedDict):
    """The fields common to all manifests, except ``training_data``."""

    schema_version: int
    name: str
    task: str
    model: ModelSummary
    artifacts: tuple[Artifact, ...]
    files: tuple[FileEntry, ...]
    preprocessing: dict[str, str]
    golden: str
    recipe: RecipeSummary
    metrics: Metrics
    seed: int
    versions: dict[str, str]


def common_fields(table: Table, task: str, check_signatures: CheckSignatures, agreement: str) -> CommonFields:
    """Read the common fields; signatures and the ``agreement`` metric of parity depend on the task."""
    artifacts = table.tables("artifacts", shortest=1)
    return CommonFields(
        schema_version=table.integer("schema_version", SCHEMA_VERSION, OUTPUT_SCHEMA_VERSION),
        name=table.text("name"),
        task=task,
        model=_model(table.table("model")),
        artifacts=tuple(_artifact(entry, check_signatures, agreement) for entry in artifacts),
        files=_files(table),
        preprocessing=table.texts("preprocessing"),
        golden=table.path("golden"),
        recipe=_recipe(table.table("recipe")),
        metrics=_metrics(table.table("metrics")),
        seed=table.integer("seed", 0, LARGEST_INTEGER),
        versions=table.texts("versions"),
    )


def common_problems(manifest: Manifest, named: dict[str, str]) -> Iterator[str]:
    """Problems with paths and formats; ``named`` maps fields to paths of the bundle's own files."""
    yield from _format_problems(manifest)
    yield from _path_problems(manifest, {**named, "golden": manifest.golden})


def _format_problems(manifest: Manifest) -> Iterator[str]:
    formats = [artifact.format for artifact in manifest.artifacts]
    if len(set(formats)) != len(formats):
        yield f"artifacts: expected one artifact per format, found {', '.join(formats)}"
    for index, artifact in enumerate(manifest.artifacts):
        own = {file.path for file in artifact.files}
        for name, signature in artifact.signatures.items():
            if signature.path not in own:
                place = f"artifacts[{index}].signatures.{name}.path"
                yield f"{place}: {signature.path!r} is not among the artifact's files"


def _path_problems(manifest: Manifest, named: dict[str, str]) -> Iterator[str]:
    listed: set[str] = set()
    for file in manifest.all_files:
        folded = file.path.lower()  # the same file on case-insensitive file systems
        if folded in listed:
            yield f"the path {file.path!r} is listed twice"
        listed.add(folded)
    own = {file.path for file in manifest.files}
    for field, path in named.items():
        if path not in own:
            yield f"{field}: {path!r} is not among the bundle's files"


def _model(table: Table) -> ModelSummary:
    counts = table.count("parameters"), table.count("full_parameters")
    latest = table.count("latest_items") if "latest_items" in table.keys else None
    return ModelSummary(table.text("type"), *counts, latest)


def _files(table: Table) -> tuple[FileEntry, ...]:
    return tuple(
        FileEntry(entry.path("path"), entry.count("bytes"), entry.sha256("sha256"))
        for entry in table.tables("files", shortest=1)
    )


def _artifact(table: Table, check_signatures: CheckSignatures, agreement: str) -> Artifact:
    signatures = {name: _signature(entry) for name, entry in table.named_tables("signatures").items()}
    check_signatures(table, signatures)
    return Artifact(
        format=table.text("format"),
        precision=table.text("precision"),
        files=_files(table),
        engines=tuple(_engine(entry) for entry in table.tables("engines", shortest=1)),
        signatures=signatures,
        parity=_parity(table.table("parity"), agreement),
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
        table.fail("shape", f"sizes from 1 to {LARGEST_COUNT}, or null")
    return Tensor(
        name=table.text("name"),
        dtype=table.choice("dtype", DTYPES),
        shape=tuple(shape),
        scale=table.optional_scale("scale"),
        zero_point=table.optional_integer("zero_point", -(2**31), 2**31 - 1),
    )


def _parity(table: Table, agreement: str) -> Parity:
    if not table.boolean("checked"):
        return Parity(checked=False, reason=table.text("reason"))
    agreements: dict[str, Any] = {
        name: table.number(name, smallest=0, largest=1) for name in (agreement, f"minimum_{agreement}")
    }
    return Parity(
        checked=True,
        engine=table.text("engine"),
        max_abs_error=table.number("max_abs_error", smallest=0),
        score_tolerance=table.number("score_tolerance", smallest=0),
        **agreements,
    )


def _recipe(table: Table) -> RecipeSummary:
    steps = table.tables("steps")
    for step in steps:
        step.text("type")
    return RecipeSummary(table.text("name"), table.sha256("sha256"), tuple(step.plain() for step in steps))


def _metrics(table: Table) -> Metrics:
    return Metrics(table.text("protocol"), table.numbers("full"), table.numbers("compressed"))
