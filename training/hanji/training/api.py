"""The training stage as functions: ``from hanji.training import load_dataset, train``.

Each works for every task; the type of the argument selects the task.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from hanji.training.cluster.environment import cluster_of_environment
from hanji.training.errors import DataError
from hanji.training.files import directory_listing
from hanji.training.quiet import import_tensorflow
from hanji.training.task import (
    check_call,
    config_of,
    optional_path,
    path_of,
    task_named,
    task_of,
    task_of_directory,
)

if TYPE_CHECKING:
    from hanji.training.classifiers.config import ImageTrainingConfig
    from hanji.training.classifiers.data import ImageDataConfig, ImageDataset
    from hanji.training.classifiers.models.config import ImageModelConfig
    from hanji.training.classifiers.trained import TrainedClassifier
    from hanji.training.progress import OnEpoch
    from hanji.training.recommenders.config import TrainingConfig
    from hanji.training.recommenders.data import DataConfig, Dataset
    from hanji.training.recommenders.models.config import ModelConfig
    from hanji.training.recommenders.trained import TrainedModel


@overload
def load_dataset(config: DataConfig, directory: str | Path | None = None, *, seed: int = 0) -> Dataset: ...
@overload
def load_dataset(
    config: ImageDataConfig, directory: str | Path | None = None, *, seed: int = 0
) -> ImageDataset: ...
def load_dataset(config: Any, directory: str | Path | None = None, *, seed: int = 0) -> Any:
    """Read, check, clean and split the data in ``directory`` as the config specifies.

    ``config`` is a DataConfig for ratings or an ImageDataConfig for images. Built-in data, the default of
    both, needs no directory. ``seed`` selects the images that are held out; ratings are split by
    ``config.seed``. Raises DataError, naming the file and line, for unusable data.
    """
    task = task_of(config, "config", "data_config")
    check_call(seed=seed)
    return task.load(config, optional_path(directory, "directory"), seed=seed)


@overload
def train(
    dataset: Dataset,
    model: ModelConfig | None = None,
    training: TrainingConfig | None = None,
    *,
    seed: int = 0,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedModel: ...
@overload
def train(
    dataset: ImageDataset,
    model: ImageModelConfig | None = None,
    training: ImageTrainingConfig | None = None,
    *,
    seed: int = 0,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedClassifier: ...
def train(
    dataset: Any,
    model: Any = None,
    training: Any = None,
    *,
    seed: int = 0,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> Any:
    """Train a recommender on a Dataset, or an image classifier on an ImageDataset.

    ``model`` and ``training`` are the configs of the task; omitted ones take their defaults. An interrupted
    run resumes from the checkpoints in the directory ``work``. ``on_epoch`` is called after each epoch with
    an EpochEnd. In the workers of a cluster (TF_CONFIG), which all make this call, a recommender is trained
    by all of them and returned on each. Raises TypeError for an argument of another type, RecipeError for a
    config that does not fit the data.
    """
    task = task_of(dataset, "dataset", "dataset_type")
    model = config_of(model, task.model_config, "model")
    training = config_of(training, task.training_config, "training")
    check_call(seed=seed, on_epoch=on_epoch)
    checkpoints = optional_path(work, "work")
    import_tensorflow()
    return task.train(dataset, model, training, seed=seed, work=checkpoints, on_epoch=on_epoch)


def save_trained(trained: TrainedModel | TrainedClassifier, directory: str | Path) -> None:
    """Write a trained model to a directory; an existing one is replaced once the new one is complete.

    Of the workers of a cluster (TF_CONFIG), only the chief writes.
    """
    cluster = cluster_of_environment()
    task, target = task_of(trained, "trained", "trained_type"), path_of(directory, "directory")
    if cluster is None or cluster.is_chief:
        task.save_trained(trained, target)


def load_trained(directory: str | Path) -> TrainedModel | TrainedClassifier:
    """Load a model written by ``save_trained`` or ``hanji train``; DataError if there is none."""
    directory = path_of(directory, "directory")
    name = task_of_directory(directory, "training", "trained_file")
    if name is None:
        listing = directory_listing(directory) if directory.is_dir() else "there is no such directory"
        raise DataError(f"{directory}: expected a directory written by `hanji train`; {listing}")
    import_tensorflow()
    trained: TrainedModel | TrainedClassifier = task_named(name).load_trained(directory)
    return trained


__all__ = ["load_dataset", "load_trained", "save_trained", "train"]
