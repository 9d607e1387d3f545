"""Reads manifest.json into the dataclasses of ``hanji.runtime.manifest.types``.

A reader rejects unknown values of ``schema_version`` and ignores unknown fields.
"""

from __future__ import annotations

from collections.abc import Iterator

from hanji.runtime.errors import BundleError, SchemaVersionError
from hanji.runtime.json_table import LARGEST_INTEGER, Table, parse_json
from hanji.runtime.manifest.parts import OUTPUT_SCHEMA_VERSION, SCHEMA_VERSION
from hanji.runtime.manifest.types import CLASSIFICATION, RECOMMENDATION, AnyManifest, ClassifierManifest


def parse_manifest(content: bytes, where: str = "manifest.json") -> AnyManifest:
    """Parse ``content`` (UTF-8 JSON) to a RecommenderManifest or a ClassifierManifest.

    Raises SchemaVersionError for an unknown version, BundleError naming the field if the manifest violates
    the schema or is inconsistent.
    """
    manifest = _manifest(parse_json(content, where))
    check_consistency(manifest, where)
    return manifest


def check_consistency(manifest: AnyManifest, where: str) -> None:
    """Raise BundleError for the first violation of a constraint that JSON Schema cannot express."""
    problem = next(_problems(manifest), None)
    if problem is not None:
        raise BundleError(f"{where}: {problem}; export the bundle again")


def _manifest(table: Table) -> AnyManifest:
    _check_version(table)
    # Import only the reader of this task, so that opening a bundle does not pay for the other task.
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
    if version > OUTPUT_SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{table.where}: schema_version: this hanji-runtime reads versions {SCHEMA_VERSION} and "
            f"{OUTPUT_SCHEMA_VERSION}, found {version}; upgrade it: pip install --upgrade hanji-runtime"
        )
