"""CompressedModel: the output of compression and input of export, in memory and on disk."""

from __future__ import annotations

import json
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from hanji.compression.recommenders.recipe import Recipe
from hanji.compression.recommenders.steps import ROW_BITS, Scheme
from hanji.training.errors import DataError
from hanji.training.files import (
    FORMAT_VERSION,
    atomic_directory,
    load_weights,
    read_about,
    save_weights,
    stage_output,
)
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.trained import TrainedModel, load_trained, save_trained
from hanji.training.settings import settings_from, table_from

if typing.TYPE_CHECKING:
    import tf_keras as keras


@dataclass(frozen=True)
class CompressedModel:
    """A model ready for export: TFMOT's pruning wrappers stripped, dropout removed, ranges final."""

    model: keras.Model
    """``[user, item]`` → logits [B, 1]; for ``int8``, fake-quantized as in its export."""

    config: ModelConfig
    scheme: Scheme
    recipe: Recipe
    metrics: dict[str, float]
    """Metrics of this model on the test set."""

    full: TrainedModel
    """The model that was compressed."""

    teacher_metrics: dict[str, float] | None = None
    """Metrics of the teacher on the test set, if it was not the full model."""

    full_ranking: dict[str, float] = field(default_factory=dict)
    """Metrics of this model under the protocol ``full``; empty for a model of an earlier version."""

    task: ClassVar[str] = "recommendation"


def save_compressed(compressed: CompressedModel, directory: Path) -> None:
    """Write a directory with compressed.json, weights.npz and the full model in full/."""
    about = {
        "format_version": FORMAT_VERSION,
        "model": table_from(compressed.config),
        "scheme": compressed.scheme,
        "recipe": {"name": compressed.recipe.name, "steps": compressed.recipe.tables},
        "metrics": compressed.metrics,
        "full_ranking": compressed.full_ranking,
        "teacher_metrics": compressed.teacher_metrics,
    }
    with atomic_directory(directory, replace=True) as aside:
        (aside / "compressed.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        save_weights(compressed.model, aside / "weights.npz")
        save_trained(compressed.full, aside / "full")


@stage_output("hanji compress")
def load_compressed(directory: Path) -> CompressedModel:
    """Load a directory written by ``save_compressed``; DataError for any other."""
    from hanji.compression.recommenders.fake_quantization import fake_quantized
    from hanji.training.recommenders.models.build import build_model

    path = directory / "compressed.json"
    about = read_about(path, "hanji compress")
    full = load_trained(directory / "full")
    config = settings_from(ModelConfig, about["model"], f"{path}: model")
    scheme = about["scheme"]
    if scheme not in typing.get_args(Scheme):
        raise DataError(f"{path}: unknown scheme {scheme!r}; run `hanji compress` again")
    model = build_model(config, users=full.data.users, items=full.data.items)
    if scheme == "int8":
        model = fake_quantized(model)
    load_weights(model, directory / "weights.npz")
    if scheme in ROW_BITS:
        model.row_bits = ROW_BITS[scheme]
    recipe = Recipe.from_tables(about["recipe"]["name"], about["recipe"]["steps"], str(path))
    metrics, teacher_metrics = about["metrics"], about["teacher_metrics"]
    full_ranking = about.get("full_ranking", {})
    return CompressedModel(model, config, scheme, recipe, metrics, full, teacher_metrics, full_ranking)
