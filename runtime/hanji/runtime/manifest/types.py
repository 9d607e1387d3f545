"""What manifest.json says, as frozen dataclasses. Its definition is ``manifest.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hanji.runtime.records import Record

RECOMMENDATION = "recommendation"
CLASSIFICATION = "image-classification"


@dataclass(frozen=True, eq=False, repr=False)
class FileEntry(Record):
    """One file of the bundle: its path inside it, its size and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, eq=False, repr=False)
class Tensor(Record):
    """One input or output. None in ``shape`` is any size; ``scale`` and ``zero_point`` belong to integers."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, eq=False, repr=False)
class Signature(Record):
    """One way to call a model file."""

    path: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False, repr=False)
class EngineRequirement(Record):
    """An engine that runs an artifact, and the oldest version of it that does."""

    name: str
    oldest_version: str


@dataclass(frozen=True, eq=False, repr=False)
class Parity(Record):
    """How far the artifact was from the model it came from; ``reason`` says why it was not checked.

    Errors are of scores, or of probabilities where the artifact classifies pictures. Of recommenders the ten
    best are compared, of classifiers the best; the other one's fields are None.
    """

    checked: bool
    reason: str | None = None
    engine: str | None = None
    max_abs_error: float | None = None
    score_tolerance: float | None = None
    top10_overlap: float | None = None
    minimum_top10_overlap: float | None = None
    top1_agreement: float | None = None
    minimum_top1_agreement: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Artifact(Record):
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
        """The one that answers: "catalogue" takes a user, "history" a history, "classify" a picture."""
        return next((name for name in ("classify", "history") if name in self.signatures), "catalogue")


@dataclass(frozen=True, eq=False, repr=False)
class ModelSummary(Record):
    """Type and parameter counts: of the model in the bundle and of the full one it came from."""

    type: str
    parameters: int
    full_parameters: int


@dataclass(frozen=True, eq=False, repr=False)
class IdTable(Record):
    """The file with the ids of users or items, how many there are, and what an unknown one gets."""

    path: str
    count: int
    unknown: str


@dataclass(frozen=True, eq=False, repr=False)
class RecipeSummary(Record):
    """The compression recipe that was followed."""

    name: str
    sha256: str
    steps: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Metrics(Record):
    """Metrics of the full and the compressed model, and how they were measured."""

    protocol: str
    full: Mapping[str, float]
    compressed: Mapping[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class TrainingData(Record):
    """What a recommender was trained on."""

    name: str
    format: str
    synthetic: bool
    licence: str
    users: int
    items: int
    interactions: int
    config: Mapping[str, object]


@dataclass(frozen=True, eq=False, repr=False)
class ImageData(Record):
    """What a classifier was trained on. ``pictures`` are the training pictures, 0 where nobody knows."""

    name: str
    format: str
    synthetic: bool
    licence: str
    pictures: int  # the name of the field in manifest.json
    classes: int
    config: Mapping[str, object]


@dataclass(frozen=True, eq=False, repr=False)
class ImageInput(Record):
    """How any image becomes the model's input; ``hanji.runtime.images.preparation`` defines every number.

    The input is [1, height, width, channels]: channels last, 1 for grey (ITU-R 601 luma), 3 for red, green,
    blue.
    """

    height: int
    width: int
    channels: int
    fit: str
    """For another aspect ratio: "crop" keeps the middle, "stretch" all of it in new proportions, "pad" all of
    it with ``background`` around."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """One each per channel, in levels of 0 to 255: the network sees (level - mean) / std."""
    normalized_by: str
    """"graph": the model takes levels and normalizes them itself; "runtime": it takes normalized numbers."""
    resize: str = "bilinear"
    background: tuple[int, ...] = (255, 255, 255)
    """Red, green, blue: what shows through transparent pixels and fills what "pad" leaves free."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable(Record):
    """The file with the names of the classes, and how many there are."""

    path: str
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class Probabilities(Record):
    """How the model's output becomes probabilities.

    ``source`` is "graph" where they are the output; "softmax" where the runtime makes them,
    softmax(output / temperature); "none" where the output is shown as it is, whatever it means.
    """

    source: str
    temperature: float


@dataclass(frozen=True, eq=False, repr=False)
class Manifest(Record):
    """What manifest.json says whatever the task."""

    schema_version: int
    name: str
    task: str
    model: ModelSummary
    artifacts: tuple[Artifact, ...]
    files: tuple[FileEntry, ...]
    preprocessing: Mapping[str, str]
    golden: str
    recipe: RecipeSummary
    metrics: Metrics
    training_data: TrainingData | ImageData
    seed: int
    versions: Mapping[str, str]

    @property
    def all_files(self) -> tuple[FileEntry, ...]:
        """Every file that is listed: the bundle's own, then each artifact's."""
        return self.files + tuple(file for artifact in self.artifacts for file in artifact.files)


@dataclass(frozen=True, eq=False, repr=False)
class RecommenderManifest(Manifest):
    """Everything that manifest.json says of a recommender; ``task`` is "recommendation"."""

    training_data: TrainingData
    users: IdTable | None
    """None where the model knows no users: it takes the user's own history."""
    items: IdTable

    @property
    def takes(self) -> Literal["user", "history"]:
        """What the model is asked with: the id of a user it was trained on, or anybody's own history."""
        return "history" if self.users is None else "user"


@dataclass(frozen=True, eq=False, repr=False)
class ClassifierManifest(Manifest):
    """Everything that manifest.json says of a classifier; ``task`` is "image-classification"."""

    training_data: ImageData
    labels: LabelTable
    picture: ImageInput
    probabilities: Probabilities

    @property
    def takes(self) -> Literal["picture"]:
        """What the model is asked with."""
        return "picture"


AnyManifest: TypeAlias = RecommenderManifest | ClassifierManifest
