"""CompressedClassifier: the output of compression and input of export, in memory and on disk."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hanji.compression.classifiers.foreign.keras_classifier import ABOUT as ABOUT_KERAS
from hanji.compression.classifiers.foreign.keras_classifier import (
    Full,
    KerasClassifier,
    load_architecture,
    load_keras_classifier,
    load_network,
    save_keras_classifier,
    save_network,
)
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageScheme
from hanji.training.archives import open_arrays
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import load_classifier, save_classifier
from hanji.training.errors import DataError
from hanji.training.files import FORMAT_VERSION, atomic_directory, load_weights, read_about, stage_output
from hanji.training.settings import settings_from, table_from

if typing.TYPE_CHECKING:
    import tf_keras as keras
    from numpy.typing import NDArray

ABOUT = "compressed-classifier.json"


@dataclass(frozen=True)
class CompressedClassifier:
    """A classifier ready for export: pruning and clustering wrappers stripped, activation ranges final."""

    model: keras.Model
    """Normalized images float32 [B, h, w, c] → logits float32 [B, classes]. For ``int8-qat``, TFMOT's network
    with FakeQuant operations that define its quantization; otherwise a float network with folded batch
    normalizations, which the converter quantizes according to ``scheme``."""

    config: ImageModelConfig | None
    """The architecture of the network, before a channels step made it narrower. None: a model trained
    elsewhere."""

    scheme: ImageScheme
    calibration: NDArray[np.uint8]
    """Training images [n, h, w, c] for the calibration of activation ranges."""

    temperature: float
    """Divisor of the logits before the softmax, fitted on the validation images."""

    sparse: bool
    """Whether zeros are stored as sparse tensors (``float32`` only)."""

    float_layers: tuple[str, ...]
    """The layers that stay in float (integer schemes)."""

    recipe: ImageRecipe
    metrics: dict[str, float]
    """Metrics of ``model`` on the test set, before the converter quantizes it."""

    full: Full
    """The model that was compressed."""

    teacher_metrics: dict[str, float] | None = None
    """Metrics of the teacher on the test set, if it was not the full model."""

    step_metrics: tuple[dict[str, float], ...] = ()
    """Metrics of the network after each step of the recipe, on the test set. Empty for an opaque network."""

    notes: tuple[str, ...] = ()
    """Limitations of the recipe's steps, for reports."""

    plain: keras.Model | None = None
    """``int8-qat`` only: the same weights in the float network, batch normalizations not folded, for export
    formats without FakeQuant operations."""

    task: ClassVar[str] = "image-classification"

    @property
    def is_foreign(self) -> bool:
        """Whether the network was built elsewhere: no converter was tested with its layers."""
        return self.config is None


def save_compressed_classifier(compressed: CompressedClassifier, directory: Path) -> None:
    """Write a directory with compressed-classifier.json, the network, calibration.npz and the full model."""
    about = {
        "format_version": FORMAT_VERSION,
        "model": table_from(compressed.config) if compressed.config else None,
        "scheme": compressed.scheme,
        "temperature": compressed.temperature,
        "sparse": compressed.sparse,
        "float_layers": compressed.float_layers,
        "recipe": {"name": compressed.recipe.name, "steps": compressed.recipe.tables},
        "metrics": compressed.metrics,
        "teacher_metrics": compressed.teacher_metrics,
        "step_metrics": compressed.step_metrics,
        "notes": compressed.notes,
    }
    with atomic_directory(directory, replace=True) as aside:
        (aside / ABOUT).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(aside / "calibration.npz", images=compressed.calibration)
        _save_full(compressed.full, aside / "full")
        if _saved_model_of(compressed.full) is None:
            save_network(compressed.model, aside, architecture=compressed.plain)


@stage_output("hanji compress")
def load_compressed_classifier(directory: Path) -> CompressedClassifier:
    """Load a directory written by ``save_compressed_classifier``; DataError for any other."""
    path = directory / ABOUT
    about = read_about(path, "hanji compress")
    scheme = about["scheme"]
    if scheme not in typing.get_args(ImageScheme):
        raise DataError(f"{path}: unknown scheme {scheme!r}; run `hanji compress` again")
    full, float_layers = _load_full(directory / "full"), tuple(about["float_layers"])
    model, plain = _load_networks(directory, full, scheme, float_layers)
    config = about["model"]
    return CompressedClassifier(
        model=model,
        config=settings_from(ImageModelConfig, config, f"{path}: model") if config else None,
        scheme=scheme,
        calibration=load_image_array(directory / "calibration.npz"),
        temperature=about["temperature"],
        sparse=about["sparse"],
        float_layers=float_layers,
        recipe=ImageRecipe.from_tables(about["recipe"]["name"], about["recipe"]["steps"], str(path)),
        metrics=about["metrics"],
        full=full,
        teacher_metrics=about["teacher_metrics"],
        step_metrics=tuple(about.get("step_metrics", ())),  # absent in older files
        notes=tuple(about["notes"]),
        plain=plain,
    )


def _load_networks(
    directory: Path, full: Full, scheme: ImageScheme, float_layers: tuple[str, ...]
) -> tuple[keras.Model, keras.Model | None]:
    """The network, and for ``int8-qat`` its float copy: TFMOT's networks cannot be loaded, only rebuilt."""
    from hanji.compression.classifiers.quantization.qat import in_float, quantization_aware

    if _saved_model_of(full):
        return full.model, None
    if scheme != "int8-qat":
        return load_network(directory), None
    plain = load_architecture(directory)
    model = quantization_aware(plain, float_layers=float_layers)
    load_weights(model, directory / "weights.npz")
    return model, in_float(plain, model)


def _save_full(full: Full, directory: Path) -> None:
    if isinstance(full, KerasClassifier):
        save_keras_classifier(full, directory)
    else:
        save_classifier(full, directory)


def _load_full(directory: Path) -> Full:
    if (directory / ABOUT_KERAS).exists():
        return load_keras_classifier(directory)
    return load_classifier(directory)


def _saved_model_of(full: Full) -> Path | None:
    return full.saved_model if isinstance(full, KerasClassifier) else None


def load_image_array(path: Path) -> NDArray[np.uint8]:
    """The images in an .npz file, uint8 [n, height, width, channels]; DataError if it cannot be read."""
    with open_arrays(path, "run `hanji compress` again") as arrays:
        images: NDArray[Any] = arrays["images"]
    return images


__all__ = [
    "ABOUT",
    "CompressedClassifier",
    "load_compressed_classifier",
    "load_image_array",
    "save_compressed_classifier",
]
