"""What manifest.json says, as frozen dataclasses. Its definition is ``manifest.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle: its path inside it, its size and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Tensor:
    """One input or output. None in ``shape`` is any size; ``scale`` and ``zero_point`` belong to integers."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True)
class Signature:
    """One way to call a model file."""

    path: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class EngineRequirement:
    """An engine that runs an artifact, and the oldest version of it that does."""

    name: str
    oldest_version: str


@dataclass(frozen=True)
class Parity:
    """How far the artifact was from the model it came from; ``reason`` says why it was not checked."""

    checked: bool
    reason: str | None = None
    engine: str | None = None
    max_abs_error: float | None = None
    score_tolerance: float | None = None
    top10_overlap: float | None = None
    minimum_top10_overlap: float | None = None


@dataclass(frozen=True)
class Artifact:
    """The model in one format."""

    format: str
    precision: str
    files: tuple[FileEntry, ...]
    engines: tuple[EngineRequirement, ...]
    signatures: Mapping[str, Signature]
    parity: Parity

    @property
    def bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def main_signature(self) -> str:
        """The one that scores the whole catalogue: "catalogue" for a user, "history" for a history."""
        return "history" if "history" in self.signatures else "catalogue"


@dataclass(frozen=True)
class ModelSummary:
    """Type and parameter counts: of the model in the bundle and of the full one it came from."""

    type: str
    parameters: int
    full_parameters: int


@dataclass(frozen=True)
class IdTable:
    """The file with the ids of users or items, how many there are, and what an unknown one gets."""

    path: str
    count: int
    unknown: str


@dataclass(frozen=True)
class RecipeSummary:
    """The compression recipe that was followed."""

    name: str
    sha256: str
    steps: tuple[Mapping[str, object], ...]


@dataclass(frozen=True)
class Metrics:
    """Metrics of the full and the compressed model, and how they were measured."""

    protocol: str
    full: Mapping[str, float]
    compressed: Mapping[str, float]


@dataclass(frozen=True)
class TrainingData:
    """What the model was trained on."""

    name: str
    format: str
    synthetic: bool
    licence: str
    users: int
    items: int
    interactions: int
    config: Mapping[str, object]


@dataclass(frozen=True)
class Manifest:
    """Everything that manifest.json says."""

    schema_version: int
    name: str
    task: str
    model: ModelSummary
    artifacts: tuple[Artifact, ...]
    files: tuple[FileEntry, ...]
    users: IdTable | None
    """None where the model knows no users: it takes the user's own history."""
    items: IdTable
    preprocessing: Mapping[str, str]
    golden: str
    recipe: RecipeSummary
    metrics: Metrics
    training_data: TrainingData
    seed: int
    versions: Mapping[str, str]

    @property
    def takes(self) -> Literal["user", "history"]:
        """What the model is asked with: the id of a user it was trained on, or anybody's own history."""
        return "history" if self.users is None else "user"

    @property
    def all_files(self) -> tuple[FileEntry, ...]:
        """Every file that is listed: the bundle's own, then each artifact's."""
        return self.files + tuple(file for artifact in self.artifacts for file in artifact.files)
