"""Limitations of a recipe's steps, as sentences for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hanji.compression.classifiers.pruning.sparse_kernels import sparse_obstacles
from hanji.compression.classifiers.quantization.qat import computed_in_float
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ClusterWeights, ImagePrune, ImageScheme

if TYPE_CHECKING:
    import tf_keras as keras

_BY_SCHEME: dict[ImageScheme, str] = {
    "float16": "float16: half the size; most processors still compute in float32, so it runs no faster.",
    "dynamic": "dynamic: only the weights are int8; convolutions still compute on float activations.",
    "int16x8": (
        "int16x8: nearly as accurate as float32, but XNNPACK has no kernels for it: expect it to run slower "
        "than float32."
    ),
}


def notes_of(recipe: ImageRecipe, model: keras.Model) -> tuple[str, ...]:
    """Notes on steps of the recipe that bring less than expected; ``model`` is the float network."""
    scheme = recipe.scheme
    notes = [_on_pruning(step, scheme, model) for step in recipe.steps if isinstance(step, ImagePrune)]
    notes += [_on_clustering(scheme) for step in recipe.steps if isinstance(step, ClusterWeights)]
    unsupported = computed_in_float(model) if scheme == "int8-qat" else []
    if unsupported:
        notes.append(
            f"int8-qat: TFMOT cannot quantize {', '.join(unsupported)}; only their outputs are quantized."
        )
    return tuple(notes) + ((_BY_SCHEME[scheme],) if scheme in _BY_SCHEME else ())


def _on_pruning(step: ImagePrune, scheme: ImageScheme, model: keras.Model) -> str:
    obstacles = sparse_obstacles(model) if step.sparse_storage else ()
    if obstacles:
        return (
            "prune: sparse tensor storage makes the file smaller, but inference is not faster, even on ARM: "
            f"{'; '.join(obstacles)}."
        )
    if step.sparse_storage:
        return (
            "prune: sparse tensor storage makes the file smaller and LiteRT on ARM faster. On x86 the "
            "kernels are computed as dense ones."
        )
    return (
        f"prune: unstructured sparsity only makes a compressed download smaller. The {scheme} file itself is "
        "as large as before and runs no faster; a channels step reduces both."
    )


def _on_clustering(scheme: ImageScheme) -> str:
    text = (
        "cluster: shared centroids only make a compressed download smaller; the file itself is as large and "
        "runs no faster"
    )
    if scheme in ("int8", "int16x8", "dynamic"):
        return f"{text}. {scheme} quantizes per channel, which undoes most of the clustering: use int8-qat."
    return f"{text}."
