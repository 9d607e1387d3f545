"""The task-independent parts of writing a bundle: files on disk, and a summary line per artifact."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hanji.export.bundle.artifact import Converted
from hanji.export.bundle.json_files import json_bytes
from hanji.export.bundle.queries import Outputs
from hanji.runtime.bundle import CHECKSUM, MANIFEST
from hanji.runtime.manifest import Artifact, Parity
from hanji.runtime.manifest.reader import parse_manifest
from hanji.training.errors import RecipeError


@dataclass(frozen=True)
class MeasuredParity(Parity):
    """Parity with the typical (root mean square) difference in addition to the largest one."""

    typical_error: float = 0.0
    typical_tolerance: float = 0.0

    @property
    def agreement_summary(self) -> str:
        """A phrase stating how often the artifact's top results agree with the Keras model's."""
        raise NotImplementedError


def rounded(value: float) -> float:
    """A measured number as the manifest states it: six significant digits."""
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class NothingToCompare(Parity):
    """Parity of a file that is itself the source model."""


@dataclass(frozen=True)
class BundleSummary:
    """The path of a written bundle, and its artifacts with size and parity.

    ``left_out`` are the formats that could not represent the model, with the reasons.
    """

    path: Path
    artifacts: tuple[Artifact, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """The summary as text, one line per artifact, one per format left out, and one for the path."""
        left_out = [f"{name} LEFT OUT: {reason}" for name, reason in self.left_out.items()]
        return [*map(_line, self.artifacts), *left_out, f"The bundle is in {self.path}"]


@dataclass(frozen=True)
class Checked:
    """An artifact with its parity, and the outputs and tolerance for golden.json if its engine was run."""

    converted: Converted
    replay: tuple[Outputs, float] | None


def with_parity(converted: Converted, parity: Parity) -> Converted:
    """A copy of the artifact with ``parity`` filled in."""
    return replace(converted, artifact=replace(converted.artifact, parity=parity))


def manifest_files(table: Mapping[str, Any]) -> dict[str, bytes]:
    """manifest.json and its checksum file, by path.

    Raises BundleError for a manifest that the runtime could not read: such a bundle must not be written.
    """
    manifest = json_bytes(table, readable=True)
    parse_manifest(manifest)
    checksum = f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()
    return {MANIFEST: manifest, CHECKSUM: checksum}


def write_files(directory: Path, contents: Mapping[str, bytes]) -> None:
    """Write each file to its path in the bundle."""
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def check_options(name: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    """RecipeError for an unknown option, or if none is given."""
    unknown = [option for option in chosen if option not in known]
    if unknown or not chosen:
        found = ", ".join(unknown) or "none"
        raise RecipeError(f"{name}: expected some of {', '.join(known)}, found {found}")


def _line(artifact: Artifact) -> str:
    parity = artifact.parity
    found = f"NOT CHECKED in its engine: {parity.reason}"
    if isinstance(parity, NothingToCompare):
        found = str(parity.reason)
    if isinstance(parity, MeasuredParity):
        found = (
            f"{parity.agreement_summary}, typical difference {parity.typical_error:.2g} "
            f"(at most {parity.typical_tolerance:.2g}) in {parity.engine}"
        )
    return f"{artifact.format} {artifact.precision}, {artifact.bytes:,} bytes: {found}"


__all__ = [
    "BundleSummary",
    "Checked",
    "MeasuredParity",
    "NothingToCompare",
    "check_options",
    "manifest_files",
    "rounded",
    "with_parity",
    "write_files",
]
