"""The training stage of image classification. TensorFlow is imported only in the methods that need it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.classifiers.data.detect import RECOGNIZED_BY, detect_images
from hanji.training.classifiers.data.overview import overview_lines, overview_table
from hanji.training.classifiers.data.survey import survey_folder
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import TrainedClassifier
from hanji.training.settings import settings_from
from hanji.training.task import Overview, TrainingTask

if TYPE_CHECKING:
    from hanji.training.progress import OnEpoch


class ClassifierTraining:
    """Implements ``TrainingTask``."""

    name = "image-classification"
    data_config, model_config, training_config = ImageDataConfig, ImageModelConfig, ImageTrainingConfig
    dataset_type, trained_type = ImageDataset, TrainedClassifier
    trained_file = "classifier.json"
    recognized_by = RECOGNIZED_BY

    def load(self, config: ImageDataConfig, directory: Path | None, *, seed: int) -> ImageDataset:
        """See TrainingTask."""
        return load_images(config, directory, seed=seed)

    def overview(self, dataset: ImageDataset, *, seed: int = 0) -> Overview:
        """See TrainingTask."""
        return Overview(overview_table(dataset), overview_lines(dataset))

    def summary(self, dataset: ImageDataset) -> Sequence[str]:
        """See TrainingTask."""
        return overview_lines(dataset)

    def survey(self, directory: Path, data_format: str) -> Overview | None:
        """See TrainingTask."""
        image_format = detect_images(directory) if data_format == "auto" else data_format
        if image_format == "folder":
            survey = survey_folder(directory)
            return Overview(survey.table(), survey.lines())
        if image_format not in ("idx", "npz"):
            return None
        config = settings_from(
            ImageDataConfig, {"name": f"data in {directory}", "format": image_format}, "--format"
        )
        return self.overview(load_images(config, directory, seed=0))

    def train(
        self,
        dataset: ImageDataset,
        model: ImageModelConfig,
        training: ImageTrainingConfig,
        *,
        seed: int,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> TrainedClassifier:
        """See TrainingTask."""
        from hanji.training.classifiers.train import train_classifier

        return train_classifier(dataset, model, training, seed=seed, work=work, on_epoch=on_epoch)

    def metric_lines(self, trained: TrainedClassifier) -> list[str]:
        """See TrainingTask."""
        return [f"{name}: {value:.4f}" for name, value in trained.metrics.items()]

    def save_trained(self, trained: TrainedClassifier, directory: Path) -> None:
        """See TrainingTask."""
        from hanji.training.classifiers.trained import save_classifier

        save_classifier(trained, directory)

    def load_trained(self, directory: Path) -> TrainedClassifier:
        """See TrainingTask."""
        from hanji.training.classifiers.trained import load_classifier

        return load_classifier(directory)


TASK: TrainingTask[ImageDataset, TrainedClassifier] = ClassifierTraining()
