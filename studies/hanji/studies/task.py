"""The interface of a task in studies and searches, which extends those of the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hanji.export.task import ExportTask
from hanji.studies.outcomes import Outcomes, Part
from hanji.studies.slices import Slice
from hanji.training.recipe_file import RecipeFile
from hanji.training.task import load_task

if TYPE_CHECKING:
    import tf_keras as keras

    from hanji.export.bundle.artifact import Converted
    from hanji.export.bundle.queries import Query
    from hanji.export.formats.names import Format
    from hanji.export.pipeline import Plan

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")

GridRows = list[dict[str, Any]]
"""The alternatives of one step, as in a study's ``[grid]``; an empty table leaves the step out."""


class UntrainedModels(Protocol):
    """Models with the architecture that a recipe produces and random weights, to measure size and latency
    without training."""

    def parameters(self, recipe: Any) -> int:
        """Number of parameters in the exported file; RecipeError if there can be no such model."""
        ...

    def converted(self, recipe: Any, target: Format) -> Converted:
        """The exported file of such a model."""
        ...

    def query(self, converted: Converted) -> Query:
        """An input for measuring the engine's latency."""
        ...


class StudyTask(ExportTask[DatasetT, TrainedT, CompressedT], Protocol[DatasetT, TrainedT, CompressedT]):
    """See TrainingTask, CompressionTask and ExportTask."""

    metrics: tuple[str, ...]
    """The metrics by which recipes can be ranked, the default first."""

    @property
    def outcomes(self) -> type[Outcomes]:
        """This task's class of outcomes."""
        ...

    def outcomes_of(
        self, bundle: Path, dataset: DatasetT, *, engine: str, part: Part = "test", seed: int = 0
    ) -> Outcomes:
        """The predictions of ``bundle`` for every sample of one part of the data.

        ``seed`` is that of the training, on which the validation split of recommenders depends. DataError if
        the bundle does not know classes or ids of the data.
        """
        ...

    def metric_under(self, protocol: str, metric: str) -> str:
        """The name of ``metric`` under another evaluation protocol; RecipeError if it is not measured."""
        ...

    def protocol_of(self, metric: str, dataset: DatasetT) -> str:
        """The evaluation protocol under which ``metric`` is measured on ``dataset``, as a phrase."""
        ...

    def slices(self, dataset: DatasetT) -> list[Slice]:
        """Slices of the test set, without empty ones."""
        ...

    def class_names(self, dataset: DatasetT) -> Sequence[str] | None:
        """The names of the classes; None for a task without classes."""
        ...

    def validation_as_test(self, dataset: DatasetT, *, seed: int) -> DatasetT:
        """The same data with the validation samples as its test set."""
        ...

    def network(self, compressed: CompressedT) -> keras.Model:
        """The Keras model whose parameters are counted."""
        ...

    def macs(self, compressed: CompressedT) -> int | None:
        """Multiply-accumulates per inference; None if unknown."""
        ...

    def layer_errors(self, compressed: CompressedT) -> list[dict[str, Any]] | None:
        """The error of quantizing each layer alone, the largest first; None if nothing is quantized."""
        ...

    def built_in_grid(self, file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
        """The default search space: alternatives of each step; ``own`` are the recipe's steps by type."""
        ...

    def untrained(self, plan: Plan, dataset: DatasetT) -> UntrainedModels:
        """Models with random weights."""
        ...


def task_named(name: str) -> StudyTask[Any, Any, Any]:
    """The studies' interface of a task."""
    task: StudyTask[Any, Any, Any] = load_task("studies", name)
    return task


__all__ = ["GridRows", "StudyTask", "UntrainedModels", "task_named"]
