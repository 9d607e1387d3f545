"""Frozen dataclasses for the content of manifest.json, which ``manifest.schema.json`` defines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hanji.runtime.records import Record

RECOMMENDATION = "recommendation"
CLASSIFICATION = "image-classification"
MULTI_LABEL = "multi-label"
VALUES = "values"
TABLE_SUFFIX = ".table"
"""Of the paths of table files (docs/table-files.md); other ids and items are JSON."""


@dataclass(frozen=True, eq=False, repr=False)
class FileEntry(Record):
    """A file of the bundle: its path relative to the bundle, its size and its SHA-256 in hex."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, eq=False, repr=False)
class Tensor(Record):
    """An input or output. None in ``shape`` means any size; integers have ``scale`` and ``zero_point``."""

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
    """An engine that can run an artifact, and its minimum version."""

    name: str
    oldest_version: str


@dataclass(frozen=True, eq=False, repr=False)
class Parity(Record):
    """Agreement of the artifact with its source model, or the ``reason`` why it was not checked.

    Errors are of scores, or of a classifier's outputs. Recommenders are compared by their top 10,
    classifiers by their top 1, or as their ``Output`` says; the fields of other metrics are None.
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
    agreement: float | None = None
    """Of several labels or of values: see ``Output``."""
    minimum_agreement: float | None = None


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
        """Total size of its files."""
        return sum(file.bytes for file in self.files)

    @property
    def main_signature(self) -> str:
        """The signature for inference: "catalogue" takes a user, "history" a history, "classify" an image."""
        return next((name for name in ("classify", "history") if name in self.signatures), "catalogue")


@dataclass(frozen=True, eq=False, repr=False)
class ModelSummary(Record):
    """Model type, and parameter counts of the bundled model and of the full model before compression.

    ``latest_items``: how many items of a history count, if their order does; else None.
    """

    type: str
    parameters: int
    full_parameters: int
    latest_items: int | None = None


@dataclass(frozen=True, eq=False, repr=False)
class IdTable(Record):
    """The file with the ids of users or items, their number, and the policy for unknown ids."""

    path: str
    count: int
    unknown: str


@dataclass(frozen=True, eq=False, repr=False)
class RecipeSummary(Record):
    """The compression recipe that was applied."""

    name: str
    sha256: str
    steps: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Metrics(Record):
    """Metrics of the full and the compressed model, and the evaluation protocol."""

    protocol: str
    full: Mapping[str, float]
    compressed: Mapping[str, float]


@dataclass(frozen=True, eq=False, repr=False)
class TrainingData(Record):
    """Training data of a recommender."""

    name: str
    format: str
    synthetic: bool
    licence: str
    users: int
    items: int
    interactions: int
    config: Mapping[str, object]
    content: str = ""
    """SHA-256 of the data's content, in hex; empty if unknown, as in bundles of earlier versions."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageData(Record):
    """Training data of a classifier. ``pictures`` is the number of training images, 0 if unknown."""

    name: str
    format: str
    synthetic: bool
    licence: str
    pictures: int  # the name of the field in manifest.json
    classes: int
    config: Mapping[str, object]
    content: str = ""
    """As in ``TrainingData``."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageInput(Record):
    """Conversion of an image to the model's input, as defined in ``hanji.runtime.images.preparation``.

    The input is [1, height, width, channels]: channels last, 1 for grayscale (ITU-R 601 luma), 3 for RGB.
    """

    height: int
    width: int
    channels: int
    fit: str
    """Handling of other aspect ratios: "crop" keeps the centre, "stretch" distorts the image, "pad" fills the
    rest with ``background``."""
    mean: tuple[float, ...]
    std: tuple[float, ...]
    """One value per channel, on the scale of 0 to 255: the network's input is (level - mean) / std."""
    normalized_by: str
    """Where levels are normalized: "graph", inside the model, or "runtime", before the model."""
    resize: str = "bilinear"
    background: tuple[int, ...] = (255, 255, 255)
    """RGB colour behind transparent pixels and in the padding of "pad"."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels


@dataclass(frozen=True, eq=False, repr=False)
class LabelTable(Record):
    """The file with the names of the classes, labels or values, and their number."""

    path: str
    count: int


@dataclass(frozen=True, eq=False, repr=False)
class Probabilities(Record):
    """How probabilities are obtained from the model's outputs.

    ``source`` is "graph" if the outputs are probabilities; "softmax" if the runtime computes
    softmax(output / temperature); "none" if the raw outputs are returned, whatever they mean.
    """

    source: str
    temperature: float


@dataclass(frozen=True, eq=False, repr=False)
class Output(Record):
    """Outputs of a classifier that are not the classes of one label per image.

    ``kind`` is "multi-label" for independent probabilities: an image has the labels that reach their
    threshold. Artifacts are compared by the F1 score of the (image, label) pairs. It is "values" for
    numbers such as an age, compared by the lowest coefficient of determination of a value.
    """

    kind: str
    thresholds: tuple[float, ...] = ()
    """Of "multi-label": one for each label, from 0 to 1."""
    units: tuple[str, ...] = ()
    """Of "values": one for each, empty if there is none."""


@dataclass(frozen=True, eq=False, repr=False)
class Manifest(Record):
    """The content of manifest.json common to all tasks."""

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
        """All listed files: the bundle's own, then those of each artifact."""
        return self.files + tuple(file for artifact in self.artifacts for file in artifact.files)


@dataclass(frozen=True, eq=False, repr=False)
class RecommenderManifest(Manifest):
    """The content of a recommender's manifest.json; ``task`` is "recommendation"."""

    training_data: TrainingData
    users: IdTable | None
    """None if the model has no user table and takes a history instead."""
    items: IdTable

    @property
    def takes(self) -> Literal["user", "history"]:
        """The model's input: "user", the id of a user in the training data, or "history"."""
        return "history" if self.users is None else "user"


@dataclass(frozen=True, eq=False, repr=False)
class ClassifierManifest(Manifest):
    """The content of a classifier's manifest.json; ``task`` is "image-classification"."""

    training_data: ImageData
    labels: LabelTable
    picture: ImageInput
    probabilities: Probabilities
    output: Output | None = None
    """None if an image has one label."""

    @property
    def takes(self) -> Literal["picture"]:
        """The model's input: always "picture"."""
        return "picture"


AnyManifest: TypeAlias = RecommenderManifest | ClassifierManifest
