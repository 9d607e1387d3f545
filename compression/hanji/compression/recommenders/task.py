"""Recommendation in the compression stage. TensorFlow is imported only in methods that need it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.recipe import Recipe, check_recipe, check_sizes
from hanji.compression.task import CompressionTask
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.task import RecommenderTraining
from hanji.training.recommenders.trained import TrainedModel

if TYPE_CHECKING:
    from hanji.training.progress import OnEpoch


class RecommenderCompression(RecommenderTraining):
    """Implements ``CompressionTask``."""

    recipe = Recipe
    compressed_type = CompressedModel
    compressed_file = "compressed.json"

    def check_recipe(self, recipe: Recipe, model: ModelConfig) -> None:
        """See CompressionTask."""
        check_recipe(recipe, model.type)

    def check_sizes(self, recipe: Recipe, model: ModelConfig, dataset: Dataset) -> None:
        """See CompressionTask."""
        check_sizes(recipe, model, dataset.catalogue.warm_items)

    def compress(
        self,
        trained: TrainedModel,
        recipe: Recipe,
        dataset: Dataset,
        *,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> CompressedModel:
        """See CompressionTask."""
        from hanji.compression.recommenders.compress import compress

        return compress(trained, recipe, dataset, work=work, on_epoch=on_epoch)

    def compress_foreign(self, model: object, *arguments: Any, **options: Any) -> CompressedModel:
        """See CompressionTask; recommenders trained elsewhere are not supported."""
        raise TypeError(f"model: expected {TrainedModel.__name__}, found {type(model).__name__}")

    def uncompressed(self, trained: TrainedModel, dataset: Dataset, recipe: Recipe) -> CompressedModel:
        """See CompressionTask."""
        from hanji.compression.recommenders.compress import uncompressed

        return uncompressed(trained)

    def save_compressed(self, compressed: CompressedModel, directory: Path) -> None:
        """See CompressionTask."""
        from hanji.compression.recommenders.compressed import save_compressed

        save_compressed(compressed, directory)

    def load_compressed(self, directory: Path) -> CompressedModel:
        """See CompressionTask."""
        from hanji.compression.recommenders.compressed import load_compressed

        return load_compressed(directory)


TASK: CompressionTask[Dataset, TrainedModel, CompressedModel] = RecommenderCompression()
