"""Image classification in the compression stage. TensorFlow is imported only in methods that need it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.task import CompressionTask
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.task import ClassifierTraining

if TYPE_CHECKING:
    from hanji.training.classifiers.trained import TrainedClassifier
    from hanji.training.progress import OnEpoch


class ClassifierCompression(ClassifierTraining):
    """Implements ``CompressionTask``."""

    recipe = ImageRecipe
    compressed_type = CompressedClassifier
    compressed_file = "compressed-classifier.json"

    def check_recipe(self, recipe: ImageRecipe, model: ImageModelConfig) -> None:
        """See CompressionTask; the checks need the network itself, so ``compress`` makes them."""

    def check_sizes(self, recipe: ImageRecipe, model: ImageModelConfig, dataset: ImageDataset) -> None:
        """See CompressionTask; building the network makes the checks."""

    def compress(
        self,
        trained: TrainedClassifier,
        recipe: ImageRecipe,
        dataset: ImageDataset,
        *,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> CompressedClassifier:
        """See CompressionTask."""
        from hanji.compression.classifiers.compress import compress_classifier

        return compress_classifier(trained, recipe, dataset, work=work, on_epoch=on_epoch)

    def compress_foreign(
        self,
        model: Any,
        recipe: ImageRecipe,
        dataset: ImageDataset,
        *,
        preprocessing: Preprocessing | None = None,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> CompressedClassifier:
        """See CompressionTask; a Keras model, or the path of a .keras or .h5 file or of a SavedModel."""
        from hanji.compression.classifiers.foreign.keras_file import compress_keras_model

        source = Path(model) if isinstance(model, str) else model
        given = preprocessing or Preprocessing()
        return compress_keras_model(
            source, recipe, dataset, preprocessing=given, work=work, on_epoch=on_epoch
        )

    def uncompressed(
        self, trained: TrainedClassifier, dataset: ImageDataset, recipe: ImageRecipe
    ) -> CompressedClassifier:
        """See CompressionTask; ``recipe`` sets the number of calibration images."""
        from hanji.compression.classifiers.compress import uncompressed_classifier
        from hanji.compression.classifiers.quantization.quantize import calibration_images

        count = recipe.quantization.calibration_images
        return uncompressed_classifier(trained, calibration_images(dataset.train, count, trained.seed))

    def save_compressed(self, compressed: CompressedClassifier, directory: Path) -> None:
        """See CompressionTask."""
        from hanji.compression.classifiers.compressed import save_compressed_classifier

        save_compressed_classifier(compressed, directory)

    def load_compressed(self, directory: Path) -> CompressedClassifier:
        """See CompressionTask."""
        from hanji.compression.classifiers.compressed import load_compressed_classifier

        return load_compressed_classifier(directory)


TASK: CompressionTask[ImageDataset, TrainedClassifier, CompressedClassifier] = ClassifierCompression()
