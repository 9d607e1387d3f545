"""What the export stage needs of a task, beyond what training and compression need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hanji.compression.task import CompressionTask
from hanji.training.task import load_task

if TYPE_CHECKING:
    from hanji.export.bundle.files import BundleSummary
    from hanji.export.reporting.build_report import BuildReport

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")


class ExportTask(CompressionTask[DatasetT, TrainedT, CompressedT], Protocol[DatasetT, TrainedT, CompressedT]):
    """See TrainingTask and CompressionTask."""

    export_config: type[Any]
    """Dataclass of the ``[export]`` table."""

    protocol: str
    """How test metrics are measured, in a phrase."""

    @property
    def refused_options(self) -> Mapping[str, str]:
        """Options of ``hanji export`` that are for other tasks, each with the reason."""
        ...

    def check_export(self, config: Any, model: Any, where: str) -> None:
        """RecipeError for options of ``[export]`` that a model of this config cannot have."""
        ...

    def full_export(self, config: Any) -> Any:
        """The export config of the full model, which the bundle of ``config`` is compared with."""
        ...

    def export(
        self,
        compressed: CompressedT,
        out: Path,
        config: Any,
        *,
        dataset: DatasetT | None = None,
        replace: bool = False,
    ) -> BundleSummary:
        """Write a bundle, whole or not at all; test samples of ``dataset`` are compared, too."""
        ...

    def write_samples(self, dataset: DatasetT, out: Path) -> None:
        """Write files into ``out`` to try the bundle with, if the task has any."""
        ...

    def dataset_of_compressed(self, compressed: CompressedT, directory: Path | None) -> DatasetT | None:
        """The data that ``compressed`` was made from, for ``export``; None where it cannot be read."""
        ...

    def dataset_of_bundle(self, manifest: Any, directory: Path | None) -> DatasetT:
        """The test set to measure a bundle with; DataError where it cannot be read."""
        ...

    def test_set(self, dataset: DatasetT) -> str:
        """The name of the data and the size of its test set, in a phrase."""
        ...

    def evaluate(self, bundle: Path, dataset: DatasetT, *, engine: str) -> dict[str, float]:
        """Test metrics of a bundle in an engine, through the runtime."""
        ...

    def measure(
        self, bundle: Path, dataset: DatasetT, compressed: CompressedT, *, model: str, engine: str
    ) -> Any:
        """A row of the report: metrics, bytes and latency of a bundle in an engine."""
        ...

    def report(
        self,
        compressed: CompressedT,
        recipe: Any,
        dataset: DatasetT,
        rows: Sequence[Any],
        seconds: Mapping[str, float],
    ) -> BuildReport:
        """The report of a build."""
        ...


def task_named(name: str) -> ExportTask[Any, Any, Any]:
    """The export stage of a task."""
    task: ExportTask[Any, Any, Any] = load_task("export", name)
    return task


__all__ = ["ExportTask", "task_named"]
