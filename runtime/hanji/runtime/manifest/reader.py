"""Reads manifest.json into ``hanji.runtime.manifest.types``'s dataclasses.

A reader refuses a ``schema_version`` it does not know and ignores fields it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator

from hanji.runtime.errors import BundleError, SchemaVersionError
from hanji.runtime.json_table import LARGEST_INTEGER, Table, parse_json
from hanji.runtime.manifest.parts import SCHEMA_VERSION
from hanji.runtime.manifest.types import CLASSIFICATION, RECOMMENDATION, AnyManifest, ClassifierManifest


def parse_manifest(content: bytes, where: str = "manifest.json") -> AnyManifest:
    """The manifest in ``content`` (UTF-8 JSON): a RecommenderManifest or a ClassifierManifest.

    Raises SchemaVersionError for a version this reader does not know, BundleError naming the
    field for anything that the schema or the consistency of the fields forbids.
    """
    manifest = _manifest(parse_json(content, where))
    check_consistency(manifest, where)
    return manifest


def check_consistency(manifest: AnyManifest, where: str) -> None:
    """What a JSON Schema cannot say: paths are unique and refer to listed files, sizes agree."""
    problem = next(_problems(manifest), None)
    if problem is not None:
        raise BundleError(f"{where}: {problem}; export the bundle again")


def _manifest(table: Table) -> AnyManifest:
    _check_version(table)
    # Only the task's own reader is imported: opening one kind of bundle does not pay for the other.
    if table.choice("task", (RECOMMENDATION, CLASSIFICATION)) == CLASSIFICATION:
        from hanji.runtime.manifest.classifier import classifier_manifest

        return classifier_manifest(table)
    from hanji.runtime.manifest.recommender import recommender_manifest

    return recommender_manifest(table)


def _problems(manifest: AnyManifest) -> Iterator[str]:
    if isinstance(manifest, ClassifierManifest):
        from hanji.runtime.manifest.classifier import classifier_problems

        return classifier_problems(manifest)
    from hanji.runtime.manifest.recommender import recommender_problems

    return recommender_problems(manifest)


def _check_version(table: Table) -> None:
    version = table.integer("schema_version", 1, LARGEST_INTEGER)
    if version != SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{table.where}: schema_version: this hanji-runtime reads version {SCHEMA_VERSION}, "
            f"found {version}; upgrade it: pip install --upgrade hanji-runtime"
        )


__all__ = ["SCHEMA_VERSION", "check_consistency", "parse_manifest"]
