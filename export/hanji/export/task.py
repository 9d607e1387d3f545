"""What the export stage needs of a task, beyond what training and compression need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from hanji.compression.task import CompressionTask
from hanji.runtime.bundle import open_bundle
from hanji.training.quiet import import_tensorflow
from hanji.training.task import config_of, load_task, task_of

if TYPE_CHECKING:
    from hanji.export.bundle.files import BundleSummary
    from hanji.export.reporting.build_report import BuildReport

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")


class DatasetOfTask(Protocol):
    """A Dataset or an ImageDataset."""

    task: ClassVar[str]

    @property
    def config(self) -> Any:
        """The config it was read with."""
        ...


class CompressedOfTask(Protocol):
    """A CompressedModel or a CompressedClassifier."""

    task: ClassVar[str]

    @property
    def full(self) -> Any:
        """The model it was made from."""
        ...


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


def export_bundle(
    compressed: CompressedOfTask,
    out: str | Path,
    config: Any = None,
    *,
    dataset: DatasetOfTask | None = None,
    replace: bool = False,
) -> BundleSummary:
    """Write a compressed model as a bundle, the directory ``out``, whole or not at all.

    ``config`` is an ExportConfig for a recommender, an ImageExportConfig for a classifier; without it, their
    defaults are used. Every artifact is compared with the Keras model in its own engine, on test images of
    ``dataset``, too, where it is given. Raises TypeError for an argument of another type, ConversionError for
    an artifact that cannot be made or exceeds its tolerance, HanjiError if ``out`` exists (unless
    ``replace``).
    """
    task = task_named(task_of(compressed, "compressed", "a CompressedModel or a CompressedClassifier").name)
    config = config_of(config, task.export_config, "config")
    import_tensorflow()
    return task.export(compressed, Path(out), config, dataset=dataset, replace=replace)


def evaluate(
    bundle: str | Path, data: DatasetOfTask | str | Path | None = None, *, engine: str = "auto"
) -> dict[str, float]:
    """Test metrics of a bundle in an engine, through the runtime that ships.

    ``data`` is the dataset that the model was trained on, or the directory with its files: the very same
    split is then rebuilt from the manifest. Built-in data needs neither. Raises DataError for data that the
    bundle does not know, TypeError for a dataset of another task.
    """
    manifest = open_bundle(bundle).manifest
    task = task_named(manifest.task)
    if data is None or isinstance(data, str | Path):
        data = task.dataset_of_bundle(manifest, None if data is None else Path(data))
    elif task_of(data, "data", "a Dataset, an ImageDataset or a directory").name != task.name:
        raise TypeError(f"data: expected data for {task.name} as the bundle is, found {type(data).__name__}")
    return task.evaluate(Path(bundle), data, engine=engine)


__all__ = ["ExportTask", "evaluate", "export_bundle", "task_named"]
