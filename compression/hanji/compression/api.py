"""The compression stage as functions: ``from hanji.compression import compress, Recipe, Quantize``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from hanji.compression.task import task_named
from hanji.training.content import warn_of_other_data
from hanji.training.errors import DataError
from hanji.training.files import directory_listing
from hanji.training.quiet import import_tensorflow
from hanji.training.task import check_call, optional_path, path_of, task_of, task_of_directory

if TYPE_CHECKING:
    from hanji.compression.classifiers.compressed import CompressedClassifier
    from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
    from hanji.compression.classifiers.recipe import ImageRecipe
    from hanji.compression.recommenders.compressed import CompressedModel
    from hanji.compression.recommenders.recipe import Recipe
    from hanji.training.classifiers.data import ImageDataset
    from hanji.training.progress import OnEpoch
    from hanji.training.recommenders.data import Dataset
    from hanji.training.recommenders.trained import TrainedModel


@overload
def compress(
    model: TrainedModel,
    recipe: Recipe | str,
    dataset: Dataset,
    *,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> CompressedModel: ...
@overload
def compress(
    model: Any,
    recipe: ImageRecipe | str,
    dataset: ImageDataset,
    *,
    preprocessing: Preprocessing | None = None,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> CompressedClassifier: ...
def compress(
    model: Any,
    recipe: Any,
    dataset: Any,
    *,
    preprocessing: Preprocessing | None = None,
    work: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> Any:
    """Apply a recipe to a trained model; ``dataset`` is the one it was trained on.

    ``model`` is what ``train`` returned or, with an ImageDataset, any Keras classifier: a model object, or
    the path of a .keras or .h5 file or of a SavedModel, whose input ``preprocessing`` describes. ``recipe``
    is a Recipe or ImageRecipe, the name of a built-in recipe, or the path of a recipe file. Checkpoints in
    the directory ``work`` let an interrupted run resume; ``on_epoch`` is called after each epoch. Raises
    TypeError for an argument of the wrong type, RecipeError for a step that the model does not support.
    """
    task = task_named(task_of(dataset, "dataset", "dataset_type").name)
    if isinstance(recipe, str):
        recipe = task.recipe.load(recipe)
    if not isinstance(recipe, task.recipe):
        raise TypeError(f"recipe: expected {task.recipe.__name__}, found {type(recipe).__name__}")
    check_call(on_epoch=on_epoch)
    checkpoints = optional_path(work, "work")
    import_tensorflow()
    if not isinstance(model, task.trained_type):
        return task.compress_foreign(
            model, recipe, dataset, preprocessing=preprocessing, work=checkpoints, on_epoch=on_epoch
        )
    if preprocessing is not None:
        raise TypeError(f"preprocessing: expected None with a {type(model).__name__}, which has its own")
    warn_of_other_data(model.data.name, model.data.content, dataset.content)
    return task.compress(model, recipe, dataset, work=checkpoints, on_epoch=on_epoch)


def save_compressed(compressed: CompressedModel | CompressedClassifier, directory: str | Path) -> None:
    """Write a compressed model to a directory; an existing one is replaced once the new one is complete."""
    name = task_of(compressed, "compressed", "compressed_type", "compression").name
    task_named(name).save_compressed(compressed, path_of(directory, "directory"))


def load_compressed(directory: str | Path) -> CompressedModel | CompressedClassifier:
    """Load a directory written by ``save_compressed`` or ``hanji compress``; DataError for any other."""
    directory = path_of(directory, "directory")
    name = task_of_directory(directory, "compression", "compressed_file")
    if name is None:
        listing = directory_listing(directory) if directory.is_dir() else "there is no such directory"
        raise DataError(f"{directory}: expected a directory written by `hanji compress`; {listing}")
    import_tensorflow()
    compressed: CompressedModel | CompressedClassifier = task_named(name).load_compressed(directory)
    return compressed


__all__ = ["compress", "load_compressed", "save_compressed"]
