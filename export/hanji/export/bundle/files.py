"""What all bundles share: their files on disk, and what is said of each artifact when they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hanji.export.bundle.answers import Answers
from hanji.export.bundle.artifact import Converted
from hanji.export.bundle.json_files import json_bytes
from hanji.runtime.bundle import CHECKSUM, MANIFEST
from hanji.runtime.manifest import Artifact, Parity
from hanji.runtime.manifest.reader import parse_manifest
from hanji.training.errors import RecipeError


@dataclass(frozen=True)
class MeasuredParity(Parity):
    """Parity with the typical (root mean square) difference beside the largest one."""

    typical_error: float = 0.0
    typical_tolerance: float = 0.0

    @property
    def same_answers(self) -> str:
        """How often the artifact answers alike, in words."""
        raise NotImplementedError


@dataclass(frozen=True)
class BundleSummary:
    """What was written: where, and the artifacts with their bytes and parity."""

    path: Path
    artifacts: tuple[Artifact, ...]

    def lines(self) -> list[str]:
        """The summary for a person, one line an artifact."""
        return [*map(_line, self.artifacts), f"The bundle is in {self.path}"]


@dataclass(frozen=True)
class Checked:
    """An artifact with its parity, and what a device can replay where there was an engine to ask."""

    converted: Converted
    replay: tuple[Answers, float] | None


def with_parity(converted: Converted, parity: Parity) -> Converted:
    """The same artifact, its parity known."""
    return replace(converted, artifact=replace(converted.artifact, parity=parity))


def manifest_files(table: Mapping[str, Any]) -> dict[str, bytes]:
    """manifest.json and the file with its checksum, by their paths.

    Raises BundleError for a manifest that the runtime could not read: such a bundle must not be written.
    """
    manifest = json_bytes(table, readable=True)
    parse_manifest(manifest)
    checksum = f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()
    return {MANIFEST: manifest, CHECKSUM: checksum}


def write_files(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Every file by its path in the bundle."""
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def check_options(name: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    """RecipeError for an option that does not exist, and for none."""
    unknown = [option for option in chosen if option not in known]
    if unknown or not chosen:
        found = ", ".join(unknown) or "none"
        raise RecipeError(f"{name}: expected some of {', '.join(known)}, found {found}")


def _line(artifact: Artifact) -> str:
    parity = artifact.parity
    found = f"NOT CHECKED in its engine: {parity.reason}"
    if isinstance(parity, MeasuredParity):
        found = (
            f"{parity.same_answers}, typical difference {parity.typical_error:.2g} "
            f"(at most {parity.typical_tolerance:.2g}) in {parity.engine}"
        )
    return f"{artifact.format} {artifact.precision}, {artifact.bytes:,} bytes: {found}"


__all__ = [
    "BundleSummary",
    "Checked",
    "MeasuredParity",
    "check_options",
    "manifest_files",
    "with_parity",
    "write_files",
]
