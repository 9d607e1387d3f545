"""What the steps of a recipe do not buy, in plain words for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hanji.compression.classifiers.pruning.sparse_kernels import sparse_obstacles
from hanji.compression.classifiers.quantization.qat import computed_in_float
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ClusterWeights, ImagePrune, ImageScheme

if TYPE_CHECKING:
    import tf_keras as keras

_BY_SCHEME: dict[ImageScheme, str] = {
    "float16": "float16: half the bytes; most processors compute in float32 all the same, and no faster.",
    "dynamic": "dynamic: int8 weights only; convolutions still compute on float activations.",
    "int16x8": (
        "int16x8: nearly as exact as float32, but XNNPACK has no such kernels: expect it to run slower than "
        "float32."
    ),
}


def notes_of(recipe: ImageRecipe, model: keras.Model) -> tuple[str, ...]:
    """A sentence or two for a step that promises less than its name says; ``model`` is the float network."""
    scheme = recipe.scheme
    notes = [_of_pruning(step, scheme, model) for step in recipe.steps if isinstance(step, ImagePrune)]
    notes += [_of_clustering(scheme) for step in recipe.steps if isinstance(step, ClusterWeights)]
    unknown = computed_in_float(model) if scheme == "int8-qat" else []
    if unknown:
        notes.append(
            f"int8-qat: TFMOT does not know how to round {', '.join(unknown)}; only results are rounded."
        )
    return tuple(notes) + ((_BY_SCHEME[scheme],) if scheme in _BY_SCHEME else ())


def _of_pruning(step: ImagePrune, scheme: ImageScheme, model: keras.Model) -> str:
    obstacles = sparse_obstacles(model) if step.sparse_storage else ()
    if obstacles:
        return (
            "prune: stored as sparse tensors, the zeros make the file smaller. They save no time, not on ARM "
            f"either: {'; '.join(obstacles)}."
        )
    if step.sparse_storage:
        return (
            "prune: stored as sparse tensors, the zeros make the file smaller and LiteRT on ARM faster. On "
            "x86 it computes as if they were not there."
        )
    return (
        f"prune: single zeros make only a compressed download smaller. The {scheme} file itself has as many "
        "bytes as before and runs no faster; a channels step makes both smaller."
    )


def _of_clustering(scheme: ImageScheme) -> str:
    text = "cluster: shared values make only a compressed download smaller, not the file; nothing runs faster"
    if scheme in ("int8", "int16x8", "dynamic"):
        return f"{text}. {scheme} rounds each channel on its own, which undoes most of it: take int8-qat."
    return f"{text}."
