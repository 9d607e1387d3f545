"""What the compression stage needs of a task, beyond what training needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hanji.compression.recipe_base import RecipeBase
from hanji.training.task import TrainingTask, load_task

if TYPE_CHECKING:
    from hanji.training.progress import OnEpoch

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")


class CompressionTask(TrainingTask[DatasetT, TrainedT], Protocol[DatasetT, TrainedT, CompressedT]):
    """See TrainingTask."""

    compressed_file: str
    """The JSON file by which a directory with a compressed model is recognized."""

    @property
    def recipe(self) -> type[RecipeBase[Any]]:
        """The recipes of this task: which steps there are, and in which order."""
        ...

    def check_recipe(self, recipe: Any, model: Any) -> None:
        """RecipeError for a step that a model of this config does not support."""
        ...

    def compress(
        self,
        trained: TrainedT,
        recipe: Any,
        dataset: DatasetT,
        *,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> CompressedT:
        """Apply the recipe; with checkpoints in ``work`` an interrupted run resumes."""
        ...

    def uncompressed(self, trained: TrainedT, dataset: DatasetT, recipe: Any) -> CompressedT:
        """The full model in float32, ready for export, to compare ``recipe`` with."""
        ...

    def save_compressed(self, compressed: CompressedT, directory: Path) -> None:
        """Write a directory, whole or not at all."""
        ...

    def load_compressed(self, directory: Path) -> CompressedT:
        """Read what ``save_compressed`` wrote; DataError if it is not that."""
        ...


def task_named(name: str) -> CompressionTask[Any, Any, Any]:
    """The compression stage of a task."""
    task: CompressionTask[Any, Any, Any] = load_task("compression", name)
    return task


__all__ = ["CompressionTask", "task_named"]
