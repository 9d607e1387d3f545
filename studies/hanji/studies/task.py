"""What studies and searches need of a task, beyond what the stages need."""

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

    from hanji.export.bundle.answers import Question
    from hanji.export.bundle.artifact import Converted
    from hanji.export.formats.names import Format
    from hanji.export.pipeline import Plan

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")

GridRows = list[dict[str, Any]]
"""The alternatives of one step, as a study's ``[grid]`` has them; an empty table leaves the step out."""


class UntrainedModels(Protocol):
    """Models of a recipe's shape with random weights, to measure size and latency without training."""

    def parameters(self, recipe: Any) -> int:
        """Parameters of a file of this shape; RecipeError where there can be no such model."""
        ...

    def converted(self, recipe: Any, target: Format) -> Converted:
        """The file of such a model."""
        ...

    def question(self, converted: Converted) -> Question:
        """An input to time the engine with."""
        ...


class StudyTask(ExportTask[DatasetT, TrainedT, CompressedT], Protocol[DatasetT, TrainedT, CompressedT]):
    """See TrainingTask, CompressionTask and ExportTask."""

    metrics: tuple[str, ...]
    """The metrics that recipes may be ranked by, the default first."""

    @property
    def outcomes(self) -> type[Outcomes]:
        """The class of this task's outcomes."""
        ...

    def outcomes_of(
        self, bundle: Path, dataset: DatasetT, *, engine: str, part: Part = "test", seed: int = 0
    ) -> Outcomes:
        """The answers of ``bundle`` to every sample of one part of the data.

        ``seed`` is that of the training, which decides the validation split of recommenders. DataError if
        the bundle does not know what the data holds.
        """
        ...

    def slices(self, dataset: DatasetT) -> list[Slice]:
        """Parts of the test set; those without samples are left out."""
        ...

    def class_names(self, dataset: DatasetT) -> Sequence[str] | None:
        """The names of the classes; None for a task without classes."""
        ...

    def validation_as_test(self, dataset: DatasetT, *, seed: int) -> DatasetT:
        """The same data with its validation samples in the place of the test set."""
        ...

    def network(self, compressed: CompressedT) -> keras.Model:
        """The Keras model in which parameters are counted."""
        ...

    def macs(self, compressed: CompressedT) -> int | None:
        """Multiply-accumulates of one answer; None where they are not known."""
        ...

    def layer_errors(self, compressed: CompressedT) -> list[dict[str, Any]] | None:
        """The error that quantizing each layer adds, the largest first; None where nothing is quantized."""
        ...

    def built_in_grid(self, file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
        """The default search space: alternatives of each step; ``own`` are the steps of the recipe file."""
        ...

    def untrained(self, plan: Plan, dataset: DatasetT) -> UntrainedModels:
        """Models with random weights."""
        ...


def task_named(name: str) -> StudyTask[Any, Any, Any]:
    """A task, as studies and searches need it."""
    task: StudyTask[Any, Any, Any] = load_task("studies", name)
    return task


__all__ = ["GridRows", "StudyTask", "UntrainedModels", "task_named"]
