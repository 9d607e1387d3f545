"""Image classification in studies and searches. TensorFlow is imported only in methods that need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.export.classifiers.task import ClassifierExport
from hanji.studies.classifiers.grid import classifier_grid
from hanji.studies.classifiers.outcomes import ImageOutcomes, image_outcomes
from hanji.studies.outcomes import Part
from hanji.studies.slices import Slice
from hanji.studies.task import GridRows, StudyTask
from hanji.training.classifiers.data import ImageDataset
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile

if TYPE_CHECKING:
    import tf_keras as keras

    from hanji.compression.classifiers.compressed import CompressedClassifier
    from hanji.export.pipeline import Plan
    from hanji.studies.classifiers.untrained import UntrainedClassifiers
    from hanji.training.classifiers.trained import TrainedClassifier


class ClassifierStudy(ClassifierExport):
    """Implements ``StudyTask``."""

    metrics: tuple[str, ...] = ("top1", "macro_top1")
    outcomes = ImageOutcomes

    def outcomes_of(
        self, bundle: Path, dataset: ImageDataset, *, engine: str, part: Part = "test", seed: int = 0
    ) -> ImageOutcomes:
        """See StudyTask."""
        return image_outcomes(bundle, dataset, engine=engine, part=part)

    def metric_under(self, protocol: str, metric: str) -> str:
        """See StudyTask; classifiers have one protocol."""
        raise RecipeError(
            f"protocol: {protocol!r} is for recommenders, but the task is {self.name}; remove it"
        )

    def protocol_of(self, metric: str, dataset: ImageDataset) -> str:
        """See StudyTask."""
        return self.protocol(dataset)

    def slices(self, dataset: ImageDataset) -> list[Slice]:
        """See StudyTask; one per class."""
        labels = dataset.test.labels
        slices = [Slice("classes", name, labels == index) for index, name in enumerate(dataset.labels)]
        return [part for part in slices if part.mask.any()]

    def class_names(self, dataset: ImageDataset) -> Sequence[str]:
        """See StudyTask."""
        return dataset.labels

    def validation_as_test(self, dataset: ImageDataset, *, seed: int) -> ImageDataset:
        """See StudyTask."""
        return replace(dataset, test=dataset.validation)

    def network(self, compressed: CompressedClassifier) -> keras.Model:
        """See StudyTask."""
        return compressed.plain if compressed.plain is not None else compressed.model

    def macs(self, compressed: CompressedClassifier) -> int | None:
        """See StudyTask."""
        from hanji.export.classifiers.measure import complexity_of

        return complexity_of(compressed).macs

    def layer_errors(self, compressed: CompressedClassifier) -> list[dict[str, Any]] | None:
        """See StudyTask."""
        from hanji.export.classifiers.debug_quantization import QuantizationDebugger

        if compressed.scheme not in ("int8", "int8-qat"):
            return None
        diagnosis = QuantizationDebugger(compressed).diagnosis()
        fields = ("layer", "error", "weights")
        return [{name: asdict(layer)[name] for name in fields} for layer in diagnosis.layers]

    def built_in_grid(self, file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
        """See StudyTask."""
        return classifier_grid(file, own)

    def untrained(self, plan: Plan, dataset: ImageDataset) -> UntrainedClassifiers:
        """See StudyTask."""
        from hanji.studies.classifiers.untrained import UntrainedClassifiers

        return UntrainedClassifiers(plan, dataset)


TASK: StudyTask[ImageDataset, TrainedClassifier, CompressedClassifier] = ClassifierStudy()
