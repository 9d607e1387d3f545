"""The export stage of recommendation. Methods import TensorFlow only when they need it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.task import RecommenderCompression
from hanji.export.recommenders.config import ExportConfig, check_unknown_user
from hanji.export.task import ExportTask, GroupedMetrics
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.protocols import PROTOCOLS

if TYPE_CHECKING:
    from hanji.compression.recommenders.compressed import CompressedModel
    from hanji.export.bundle.files import BundleSummary
    from hanji.export.recommenders.measure import Row
    from hanji.export.recommenders.report import Report
    from hanji.runtime.manifest import RecommenderManifest
    from hanji.training.recommenders.trained import TrainedModel


class RecommenderExport(RecommenderCompression):
    """Implements ``ExportTask``."""

    export_config = ExportConfig
    protocols: tuple[str, ...] = PROTOCOLS
    refused_options: ClassVar[Mapping[str, str]] = {
        "edge_tpu": "--edge-tpu is for image classifiers; the Edge TPU does not support the embedding "
        "look-ups of a recommender",
        "data": "--data is for image classifiers; leave it out for a recommender",
    }

    def check_export(self, config: ExportConfig, model: ModelConfig, where: str) -> None:
        """See ExportTask."""
        check_unknown_user(config.unknown_user, has_users=model.has_users, where=where)

    def full_export(self, config: ExportConfig) -> ExportConfig:
        """See ExportTask."""
        return replace(config, formats=("tflite",))

    def export(
        self,
        compressed: CompressedModel,
        out: Path,
        config: ExportConfig,
        *,
        dataset: Dataset | None = None,
        replace: bool = False,
    ) -> BundleSummary:
        """See ExportTask; ``dataset`` is not used."""
        from hanji.export.recommenders.writer import export_bundle

        return export_bundle(
            compressed,
            out,
            formats=config.formats,
            unknown_user=config.unknown_user,
            unknown_item=config.unknown_item,
            replace=replace,
        )

    def write_samples(self, dataset: Dataset, out: Path) -> None:
        """See ExportTask; a recommender has no samples."""

    def dataset_of_compressed(self, compressed: CompressedModel, directory: Path | None) -> None:
        """See ExportTask; the data is not needed."""

    def dataset_of_bundle(self, manifest: RecommenderManifest, directory: Path | None) -> Dataset:
        """See ExportTask."""
        from hanji.export.recommenders.evaluate import dataset_of

        return dataset_of(manifest, directory)

    def protocol(self, dataset: Dataset) -> str:
        """See ExportTask."""
        return dataset.test.protocol

    def test_set(self, dataset: Dataset) -> str:
        """See ExportTask."""
        return f"synthetic data ({dataset.name})" if dataset.synthetic else dataset.name

    def evaluate(
        self, bundle: Path, dataset: Dataset, *, engine: str, protocols: Sequence[str]
    ) -> list[GroupedMetrics]:
        """See ExportTask."""
        from hanji.export.recommenders.evaluate import evaluations_of
        from hanji.training.recommenders.group_metrics import lines_of

        found = evaluations_of(bundle, dataset, engine=engine, protocols=protocols)
        return [
            GroupedMetrics(
                each.protocol, each.metrics, [asdict(group) for group in each.groups], lines_of(each.groups)
            )
            for each in found.values()
        ]

    def measure(
        self, bundle: Path, dataset: Dataset, compressed: CompressedModel, *, model: str, engine: str
    ) -> Row:
        """See ExportTask."""
        from hanji.export.recommenders.measure import measure_bundle

        return measure_bundle(bundle, dataset, model=model, engine=engine)

    def report(
        self,
        compressed: CompressedModel,
        recipe: Recipe,
        dataset: Dataset,
        rows: Sequence[Any],
        seconds: Mapping[str, float],
    ) -> Report:
        """See ExportTask."""
        from hanji.export.recommenders.report import Report

        return Report.of(recipe, compressed, dataset, rows, dict(seconds))


TASK: ExportTask[Dataset, TrainedModel, CompressedModel] = RecommenderExport()
