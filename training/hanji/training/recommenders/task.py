"""The training stage of recommendation. TensorFlow is imported only in the methods that need it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.config import Format
from hanji.training.recommenders.data.overview import overview_lines, overview_table
from hanji.training.recommenders.data.overview_page import overview_page
from hanji.training.recommenders.data.sources.detect import RECOGNIZED_BY, is_recognized
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.trained import TrainedModel
from hanji.training.settings import settings_from
from hanji.training.task import Overview, TrainingTask

if TYPE_CHECKING:
    from hanji.training.progress import OnEpoch


class RecommenderTraining:
    """Implements ``TrainingTask``."""

    name = "recommendation"
    data_config, model_config, training_config = DataConfig, ModelConfig, TrainingConfig
    dataset_type, trained_type = Dataset, TrainedModel
    trained_file = "trained.json"
    recognized_by = RECOGNIZED_BY

    def load(self, config: DataConfig, directory: Path | None, *, seed: int) -> Dataset:
        """See TrainingTask; the split uses ``config.seed`` instead of ``seed``."""
        return load_dataset(config, directory)

    def overview(self, dataset: Dataset, *, seed: int = 0) -> Overview:
        """See TrainingTask."""
        table, quality = overview_table(dataset, seed=seed), dataset.quality
        return Overview(table, overview_lines(table, quality), overview_page(table, quality))

    def summary(self, dataset: Dataset) -> Sequence[str]:
        """See TrainingTask."""
        kind = "synthetic catalogue" if dataset.synthetic else "data"
        users, items = dataset.catalogue.users, dataset.catalogue.items
        sizes = f"{users} users, {items} items, {len(dataset.train)} interactions"
        return [f"{kind} {dataset.name}: {sizes}", *(f"  {line}" for line in dataset.quality.lines())]

    def survey(self, directory: Path, data_format: str) -> Overview | None:
        """See TrainingTask."""
        recognized = is_recognized(directory) if data_format == "auto" else data_format in get_args(Format)
        if not recognized:
            return None
        config = settings_from(
            DataConfig, {"name": f"data in {directory}", "format": data_format}, "--format"
        )
        return self.overview(load_dataset(config, directory))

    def train(
        self,
        dataset: Dataset,
        model: ModelConfig,
        training: TrainingConfig,
        *,
        seed: int,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> TrainedModel:
        """See TrainingTask."""
        from hanji.training.recommenders.train import train

        return train(dataset, model, training, seed=seed, work=work, on_epoch=on_epoch)

    def metric_lines(self, trained: TrainedModel) -> list[str]:
        """See TrainingTask."""
        protocols = {trained.protocol: trained.metrics, trained.full_protocol: trained.full_ranking}
        return [
            f"{protocol}: {', '.join(f'{name} {value:.4f}' for name, value in metrics.items())}"
            for protocol, metrics in protocols.items()
        ]

    def save_trained(self, trained: TrainedModel, directory: Path) -> None:
        """See TrainingTask."""
        from hanji.training.recommenders.trained import save_trained

        save_trained(trained, directory)

    def load_trained(self, directory: Path) -> TrainedModel:
        """See TrainingTask."""
        from hanji.training.recommenders.trained import load_trained

        return load_trained(directory)


TASK: TrainingTask[Dataset, TrainedModel] = RecommenderTraining()
