"""The tasks, and the protocol that each implements for the training stage.

A task has a package of the same name in every stage, with a module ``task`` whose ``TASK`` implements that
stage's protocol. To add a task, add its packages and one line to ``PACKAGES``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from hanji.training.progress import OnEpoch

PACKAGES = {"recommendation": "recommenders", "image-classification": "classifiers"}
"""The package of each task, by the name that recipes and manifests give the task."""

DatasetT = TypeVar("DatasetT")
TrainedT = TypeVar("TrainedT")


@dataclass(frozen=True)
class Overview:
    """Summary of a dataset: ``table`` is JSON-ready, ``lines`` are text, ``page`` is HTML."""

    table: Mapping[str, Any]
    lines: Sequence[str]
    page: str | None = None
    """None for a task that has no such page."""


class TrainingTask(Protocol[DatasetT, TrainedT]):
    """The training stage of a task; implementations import TensorFlow only in the methods that need it."""

    name: str
    data_config: type[Any]
    """Dataclass of the ``[data]`` table; likewise of ``[model]`` and ``[training]``."""

    model_config: type[Any]
    training_config: type[Any]
    dataset_type: type[Any]
    trained_type: type[Any]
    trained_file: str
    """The JSON file by which a directory with a trained model is recognized."""

    recognized_by: str
    """How files of this task are recognized, for error messages."""

    def load(self, config: Any, directory: Path | None, *, seed: int) -> DatasetT:
        """Load the dataset; DataError for unusable data. ``seed`` is the recipe's."""
        ...

    def overview(self, dataset: DatasetT, *, seed: int = 0) -> Overview:
        """The overview that ``hanji data check`` prints; ``seed`` is the recipe's.

        DataError for data from which validation samples cannot be held out.
        """
        ...

    def summary(self, dataset: DatasetT) -> Sequence[str]:
        """The lines that are logged before training."""
        ...

    def survey(self, directory: Path, data_format: str) -> Overview | None:
        """The overview of files without a [data] table; None if they are not this task's.

        ``data_format`` is a format's name, or "auto" to detect it by file names.
        """
        ...

    def train(
        self,
        dataset: DatasetT,
        model: Any,
        training: Any,
        *,
        seed: int,
        work: Path | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> TrainedT:
        """Train; an interrupted run resumes from the checkpoints in ``work``."""
        ...

    def metric_lines(self, trained: TrainedT) -> list[str]:
        """The test metrics as lines of text; where there are several evaluation protocols, they are named."""
        ...

    def save_trained(self, trained: TrainedT, directory: Path) -> None:
        """Write a directory atomically."""
        ...

    def load_trained(self, directory: Path) -> TrainedT:
        """Load a model written by ``save_trained``; DataError if there is none."""
        ...


def load_task(stage: str, name: str) -> Any:
    """The implementation of the task ``name`` in a stage, such as "training"."""
    return importlib.import_module(f"hanji.{stage}.{PACKAGES[name]}.task").TASK


def task_named(name: str) -> TrainingTask[Any, Any]:
    """The training stage of a task."""
    task: TrainingTask[Any, Any] = load_task("training", name)
    return task


def task_of(value: object, argument: str, attribute: str, stage: str = "training") -> TrainingTask[Any, Any]:
    """The task for which ``attribute``, an attribute of its ``stage``, is the type of ``value``.

    TypeError states the argument, the expected types and the found type.
    """
    name = getattr(value, "task", None)
    if name not in PACKAGES or type(value) is not getattr(load_task(stage, name), attribute):
        expected = " or ".join(getattr(load_task(stage, task), attribute).__name__ for task in PACKAGES)
        raise TypeError(f"{argument}: expected {expected}, found {type(value).__name__}")
    return task_named(name)


def config_of(value: Any, kind: type[Any], argument: str) -> Any:
    """``value``, or the default config of type ``kind`` if it is None; TypeError for another type."""
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise TypeError(f"{argument}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def path_of(value: str | Path, argument: str) -> Path:
    """``value`` as a path; TypeError for another type, ValueError for a text that can be none."""
    if not isinstance(value, str | Path):
        raise TypeError(f"{argument}: expected a path, found {type(value).__name__}")
    if "\0" in str(value):
        raise ValueError(f"{argument}: expected a path, found a zero character in {str(value)!r:.80}")
    return Path(value)


def optional_path(value: str | Path | None, argument: str) -> Path | None:
    """``value`` as a path, or None; TypeError for another type."""
    return None if value is None else path_of(value, argument)


def check_call(*, seed: object = 0, on_epoch: object = None) -> None:
    """TypeError or ValueError for what would fail only later: a seed or a callback that cannot be used."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"seed: expected an integer, found {type(seed).__name__}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed: expected at least 0 and below {2**32}, found {seed}")
    if on_epoch is not None and not callable(on_epoch):
        raise TypeError(f"on_epoch: expected a function, found {type(on_epoch).__name__}")


def task_of_directory(directory: Path, stage: str, marker: str) -> str | None:
    """The name of the task whose file is in ``directory``; ``marker`` is the attribute with the file name."""
    for name in PACKAGES:
        if (directory / getattr(load_task(stage, name), marker)).is_file():
            return name
    return None


__all__ = [
    "PACKAGES",
    "Overview",
    "TrainingTask",
    "check_call",
    "config_of",
    "load_task",
    "optional_path",
    "path_of",
    "task_named",
    "task_of",
    "task_of_directory",
]
