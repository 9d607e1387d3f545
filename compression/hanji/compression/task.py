"""The interface of a task in the compression stage, which extends that of the training stage."""

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

    compressed_type: type[Any]
    compressed_file: str
    """The JSON file by which a directory with a compressed model is recognized."""

    @property
    def recipe(self) -> type[RecipeBase[Any]]:
        """The recipe class of this task."""
        ...

    def check_recipe(self, recipe: Any, model: Any) -> None:
        """RecipeError for a step that a model of this config does not support."""
        ...

    def check_sizes(self, recipe: Any, model: Any, dataset: DatasetT) -> None:
        """RecipeError if the model or a step is too large for the data; called before any training starts."""
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
        """Apply the recipe; checkpoints in ``work`` let an interrupted run resume."""
        ...

    def compress_foreign(
        self,
        model: Any,
        recipe: Any,
        dataset: DatasetT,
        *,
        preprocessing: Any = None,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> CompressedT:
        """Apply the recipe to a model trained elsewhere; TypeError for a type that the task does not take."""
        ...

    def uncompressed(self, trained: TrainedT, dataset: DatasetT, recipe: Any) -> CompressedT:
        """The full model in float32, ready for export, as the baseline of ``recipe``."""
        ...

    def save_compressed(self, compressed: CompressedT, directory: Path) -> None:
        """Write a directory atomically."""
        ...

    def load_compressed(self, directory: Path) -> CompressedT:
        """Load a directory written by ``save_compressed``; DataError for any other."""
        ...


def task_named(name: str) -> CompressionTask[Any, Any, Any]:
    """The compression stage of a task."""
    task: CompressionTask[Any, Any, Any] = load_task("compression", name)
    return task


__all__ = ["CompressionTask", "task_named"]
