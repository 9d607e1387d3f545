"""The export stage of image classification. Methods import TensorFlow only when they need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.task import ClassifierCompression
from hanji.export.bundle.engines import DEVICE_ENGINES
from hanji.export.classifiers.config import ImageExportConfig
from hanji.export.formats.names import FORMATS
from hanji.export.task import ExportTask, GroupedMetrics
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.metrics import PROTOCOL
from hanji.training.classifiers.models.config import ImageModelConfig

if TYPE_CHECKING:
    from hanji.compression.classifiers.compressed import CompressedClassifier
    from hanji.export.bundle.files import BundleSummary
    from hanji.export.classifiers.measure import ClassifierRow
    from hanji.export.classifiers.report import ClassifierReport
    from hanji.runtime.manifest import ClassifierManifest
    from hanji.training.classifiers.trained import TrainedClassifier

_NO_IDS = "--unknown-user and --unknown-item are for recommenders; a classifier has no ids"


class ClassifierExport(ClassifierCompression):
    """Implements ``ExportTask``."""

    export_config = ImageExportConfig
    protocols: tuple[str, ...] = ()
    refused_options: ClassVar[Mapping[str, str]] = {"unknown_user": _NO_IDS, "unknown_item": _NO_IDS}

    def check_export(self, config: ImageExportConfig, model: ImageModelConfig, where: str) -> None:
        """See ExportTask; every option applies to every network."""

    def full_export(self, config: ImageExportConfig) -> ImageExportConfig:
        """See ExportTask."""
        measured = tuple(name for name in config.formats or FORMATS if name in DEVICE_ENGINES)
        return ImageExportConfig(formats=measured or ("tflite",))

    def export(
        self,
        compressed: CompressedClassifier,
        out: Path,
        config: ImageExportConfig,
        *,
        dataset: ImageDataset | None = None,
        replace: bool = False,
    ) -> BundleSummary:
        """See ExportTask."""
        from hanji.export.classifiers.writer import export_classifier

        return export_classifier(
            compressed,
            out,
            formats=config.formats,
            test=None if dataset is None else dataset.test,
            edge_tpu=config.edge_tpu,
            replace=replace,
        )

    def write_samples(self, dataset: ImageDataset, out: Path) -> None:
        """See ExportTask."""
        from hanji.export.classifiers.samples import write_samples

        write_samples(dataset.test, dataset.labels, out / "samples")

    def dataset_of_compressed(
        self, compressed: CompressedClassifier, directory: Path | None
    ) -> ImageDataset | None:
        """See ExportTask."""
        from hanji.export.classifiers.evaluate import training_images

        return training_images(compressed, directory)

    def dataset_of_bundle(self, manifest: ClassifierManifest, directory: Path | None) -> ImageDataset:
        """See ExportTask."""
        from hanji.export.classifiers.evaluate import classifier_test_set

        return classifier_test_set(manifest, directory)

    def protocol(self, dataset: ImageDataset) -> str:
        """See ExportTask."""
        return PROTOCOL

    def test_set(self, dataset: ImageDataset) -> str:
        """See ExportTask."""
        return f"{dataset.name} ({len(dataset.test)} test images)"

    def evaluate(
        self, bundle: Path, dataset: ImageDataset, *, engine: str, protocols: Sequence[str]
    ) -> list[GroupedMetrics]:
        """See ExportTask; images have one protocol, and no groups but their classes."""
        from hanji.export.classifiers.evaluate import evaluate_classifier_bundle

        return [GroupedMetrics(PROTOCOL, evaluate_classifier_bundle(bundle, dataset, engine=engine))]

    def measure(
        self,
        bundle: Path,
        dataset: ImageDataset,
        compressed: CompressedClassifier,
        *,
        model: str,
        engine: str,
    ) -> ClassifierRow:
        """See ExportTask."""
        from hanji.export.classifiers.measure import complexity_of, measure_classifier

        complexity = complexity_of(compressed)
        return measure_classifier(bundle, dataset, model=model, engine=engine, complexity=complexity)

    def report(
        self,
        compressed: CompressedClassifier,
        recipe: ImageRecipe,
        dataset: ImageDataset,
        rows: Sequence[Any],
        seconds: Mapping[str, float],
    ) -> ClassifierReport:
        """See ExportTask."""
        from hanji.export.classifiers.report import ClassifierReport

        return ClassifierReport.of(compressed, dataset, rows, dict(seconds))


TASK: ExportTask[ImageDataset, TrainedClassifier, CompressedClassifier] = ClassifierExport()
