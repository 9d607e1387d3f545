"""The interface that a task implements for the export stage, beyond those of training and compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from hanji.compression.task import CompressionTask
from hanji.runtime.bundle import open_bundle
from hanji.training.content import warn_of_other_data
from hanji.training.errors import RecipeError
from hanji.training.quiet import import_tensorflow
from hanji.training.task import config_of, load_task, optional_path, path_of, task_of

if TYPE_CHECKING:
    from hanji.export.bundle.build_report import BuildReport
    from hanji.export.bundle.files import BundleSummary

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")
CompressedT = TypeVar("CompressedT")


@dataclass(frozen=True)
class GroupedMetrics:
    """Test metrics; those of each group as JSON-ready tables and as lines of text, empty without groups."""

    protocol: str
    """The evaluation protocol, as a phrase."""

    metrics: dict[str, float]
    groups: Sequence[Mapping[str, Any]] = ()
    lines: Sequence[str] = ()


class DatasetOfTask(Protocol):
    """A Dataset or an ImageDataset."""

    task: ClassVar[str]

    @property
    def config(self) -> Any:
        """The config that the data was read with."""
        ...

    @property
    def content(self) -> str:
        """Hash of the data, by which results of other data are recognized."""
        ...


class CompressedOfTask(Protocol):
    """A CompressedModel or a CompressedClassifier."""

    task: ClassVar[str]

    @property
    def full(self) -> Any:
        """The full model that was compressed."""
        ...


class ExportTask(CompressionTask[DatasetT, TrainedT, CompressedT], Protocol[DatasetT, TrainedT, CompressedT]):
    """Extends TrainingTask and CompressionTask."""

    export_config: type[Any]
    """Dataclass of the ``[export]`` table."""

    protocols: tuple[str, ...]
    """Evaluation protocols, first the default; empty if there is only one."""

    @property
    def refused_options(self) -> Mapping[str, str]:
        """Options of ``hanji export`` that do not apply to this task, each with the reason."""
        ...

    def check_export(self, config: Any, model: Any, where: str) -> None:
        """RecipeError for options of ``[export]`` that do not apply to a model with this config."""
        ...

    def full_export(self, config: Any) -> Any:
        """The export config of the full model, the baseline for the bundle that ``config`` describes."""
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
        """Write a bundle atomically; test samples of ``dataset`` are included in the parity check."""
        ...

    def write_samples(self, dataset: DatasetT, out: Path) -> None:
        """Write sample inputs for the bundle into ``out``, if the task has any."""
        ...

    def dataset_of_compressed(self, compressed: CompressedT, directory: Path | None) -> DatasetT | None:
        """The training data of ``compressed``, for ``export``; None if it is not needed or not given."""
        ...

    def dataset_of_bundle(self, manifest: Any, directory: Path | None) -> DatasetT:
        """The data whose test set a bundle is evaluated on; DataError if it cannot be read."""
        ...

    def protocol(self, dataset: DatasetT) -> str:
        """The evaluation protocol of the test metrics on ``dataset``, as a phrase."""
        ...

    def test_set(self, dataset: DatasetT) -> str:
        """A phrase that names the data and, where relevant, the size of its test set."""
        ...

    def evaluate(
        self, bundle: Path, dataset: DatasetT, *, engine: str, protocols: Sequence[str]
    ) -> list[GroupedMetrics]:
        """Test metrics of a bundle in an engine, measured through the runtime, and those of groups of the
        test set that the data itself defines; under each of these ``protocols`` of the task, or its only one.
        """
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
    """The export-stage implementation of the task ``name``."""
    task: ExportTask[Any, Any, Any] = load_task("export", name)
    return task


def protocols_of(task: ExportTask[Any, Any, Any], asked: Sequence[str]) -> list[str]:
    """The protocols that were ``asked`` for, each once, or the task's default.

    They are none if the task has only one. Raises RecipeError for one that the task does not have.
    """
    if asked and not task.protocols:
        raise RecipeError(
            f"the protocol {asked[0]!r} is for recommenders, but the task of this bundle is {task.name}; "
            "leave it out"
        )
    unknown = [name for name in asked if name not in task.protocols]
    if unknown:
        raise RecipeError(f"expected one of the protocols {', '.join(task.protocols)}, found {unknown[0]!r}")
    return list(dict.fromkeys(asked)) or list(task.protocols[:1])


def export_bundle(
    compressed: CompressedOfTask,
    out: str | Path,
    config: Any = None,
    *,
    dataset: DatasetOfTask | None = None,
    replace: bool = False,
) -> BundleSummary:
    """Write a compressed model atomically as a bundle, the directory ``out``.

    ``config`` is an ExportConfig for a recommender, an ImageExportConfig for a classifier; without it, their
    defaults apply. Every artifact is run in its own engine and compared with the Keras model; for a
    classifier, test images of ``dataset`` are included in the comparison. Raises TypeError for an argument of
    another type, ConversionError for an artifact that cannot be converted or exceeds its tolerance,
    HanjiError if ``out`` exists (unless ``replace``).
    """
    task = task_named(task_of(compressed, "compressed", "compressed_type", "compression").name)
    config = config_of(config, task.export_config, "config")
    target = path_of(out, "out")
    if dataset is not None and task_of(dataset, "dataset", "dataset_type").name != task.name:
        raise TypeError(
            f"dataset: expected data for {task.name} as the model is, found {type(dataset).__name__}"
        )
    import_tensorflow()
    return task.export(compressed, target, config, dataset=dataset, replace=replace)


def evaluate(
    bundle: str | Path,
    data: DatasetOfTask | str | Path | None = None,
    *,
    engine: str = "auto",
    protocol: str | None = None,
) -> dict[str, float]:
    """Test metrics of a bundle in an engine, measured through the runtime that devices use.

    ``data`` is the dataset that the model was trained on, or the directory with its files: the same split is
    then rebuilt from the manifest. Built-in data needs neither. Other data than that is logged as a warning.
    ``protocol``, for recommenders, is what a held-out item is ranked among: "sampled" (the negatives of the
    data, the default), "uniform" or "full". Raises DataError for data with ids or classes that the bundle
    does not know, RecipeError for another protocol, TypeError for a dataset of another task.
    """
    manifest = open_bundle(bundle).manifest
    task = task_named(manifest.task)
    protocols = protocols_of(task, [] if protocol is None else [protocol])
    if data is None or isinstance(data, str | Path):
        dataset: DatasetOfTask = task.dataset_of_bundle(manifest, optional_path(data, "data"))
    elif task_of(data, "data", "dataset_type").name == task.name:
        dataset = data
    else:
        raise TypeError(
            f"data: expected data for {task.name}, the task of the bundle, found {type(data).__name__}"
        )
    warn_of_other_data(manifest.name, manifest.training_data.content, dataset.content)
    (found,) = task.evaluate(Path(bundle), dataset, engine=engine, protocols=protocols)
    return found.metrics


__all__ = ["ExportTask", "evaluate", "export_bundle", "protocols_of", "task_named"]
