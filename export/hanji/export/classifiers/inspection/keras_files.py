"""Findings on Keras files and SavedModels, from their configs and graphs; nothing is deserialized."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hanji.compression.classifiers.foreign.opened import kind_of
from hanji.export.classifiers.inspection.ends import has_several_labels, head_text
from hanji.export.classifiers.inspection.findings import Findings
from hanji.training.classifiers.untrusted.keras_file import expect_known_keras_file, keras_config
from hanji.training.classifiers.untrusted.saved_model import expect_known_saved_model
from hanji.training.errors import DataError, HanjiError

_MODELS = ("Functional", "Model", "Sequential")
_BEFORE = ("InputLayer", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast")
_SCALING = ("Rescaling", "Normalization", "BatchNormalization")


def keras_findings(path: Path) -> Findings:
    """The findings on a .keras or .h5 file or a SavedModel directory; DataError if it is none of them."""
    kind = kind_of(path)
    if kind == "saved model":
        return _saved_model_findings(path)
    config = keras_config(path)
    if config is None:
        raise DataError(
            f"{path}: expected a model saved by Keras with its config, found none; a file of weights alone "
            "has no network"
        )
    layers = [layer for layer in _layers(config) if layer["class_name"] not in _MODELS]
    shapes = [shape for layer in layers if (shape := _input_shape(layer)) is not None]
    final = layers[-1]
    first = _scaling(layers)
    activation, units = _activation(final), final["config"].get("units")
    every = "every recipe" if kind == "tf_keras" else "the recipes without training (Keras 3)"
    if has_several_labels(activation, units):
        every = "the recipes without training, with --labels FILE and --preprocessing FILE"
    return Findings(
        format=f".keras or .h5 of {'Keras 2 (tf_keras)' if kind == 'tf_keras' else 'Keras 3'}",
        bytes=path.stat().st_size,
        inputs=tuple(str(shape) for shape in shapes[:3]),
        outputs=(f"{_name(final)}: {final['config'].get('units', final['class_name'])}",),
        layout="channels last: [batch, height, width, channels]",
        head=head_text([activation], units, ranks=False),
        preprocessing=(
            f"scale = 1: it begins with {first}" if first else "unknown: no layer scales the input",
        ),
        operators=dict(Counter(layer["class_name"] for layer in layers)),
        compression=(f"hanji compress {path} --recipe int8 --data IMAGES --out DIR ({every})",),
        obstacles=_refusal(expect_known_keras_file, path),
    )


def _layers(config: Any) -> Iterator[dict[str, Any]]:
    """The layers of a model's config, in its order, those of nested models after their model."""
    table = config.get("config", {}) if isinstance(config, dict) else {}
    layers = table.get("layers", []) if isinstance(table, dict) else table
    if not isinstance(layers, list) or not layers:
        raise DataError("expected a functional or sequential model with layers, found none in the config")
    for layer in layers:
        yield layer
        if layer.get("class_name") in _MODELS:
            yield from _layers(layer)


def _scaling(layers: list[dict[str, Any]]) -> str:
    """The kinds of the layers after the input that only scale it."""
    kinds = [layer["class_name"] for layer in layers if layer["class_name"] not in _BEFORE]
    return ", ".join(itertools.takewhile(lambda kind: kind in _SCALING, kinds))


def _name(layer: dict[str, Any]) -> str:
    return str(layer["config"].get("name", layer["class_name"]))


def _activation(layer: dict[str, Any]) -> str:
    found = layer["config"].get("activation", layer["class_name"])
    return str(found.get("config", found) if isinstance(found, dict) else found)


def _input_shape(layer: dict[str, Any]) -> Any:
    config = layer["config"]
    return config.get("batch_input_shape") or config.get("batch_shape")


def _saved_model_findings(path: Path) -> Findings:
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    graph = saved_model_pb2.SavedModel.FromString(file.read_bytes()).meta_graphs[0]
    signatures = {name: each for name, each in graph.signature_def.items() if not name.startswith("__")}

    def described(tensors: Any) -> tuple[str, ...]:
        return tuple(
            f"{name} {[size.size for size in each.tensor_shape.dim]} "
            f"{types_pb2.DataType.Name(each.dtype).removeprefix('DT_').lower()}"
            for name, each in tensors.items()
        )

    chosen = signatures.get("serving_default") or next(iter(signatures.values()), None)
    if chosen is None:
        raise DataError(f"{path}: expected a signature, found none; save the model with serving_default")
    functions = (*graph.graph_def.library.function,)
    operators = Counter(node.op for function in functions for node in function.node_def)
    return Findings(
        format="SavedModel",
        bytes=sum(each.stat().st_size for each in path.rglob("*") if each.is_file()),
        inputs=described(chosen.inputs),
        outputs=described(chosen.outputs),
        layout="as its signature says",
        head="read off the operator that computes it, by `hanji compress`",
        preprocessing=("unknown: compare the accuracy with `hanji evaluate`",),
        operators=dict(operators),
        compression=(
            f"hanji compress {path} --recipe int8 --data IMAGES --out DIR (recipes without training)",
        ),
        obstacles=_refusal(expect_known_saved_model, path),
        notes=(f"signatures: {', '.join(signatures)}",),
    )


def _refusal(check: Any, path: Path) -> tuple[str, ...]:
    try:
        check(path)
    except HanjiError as error:
        return (str(error).removeprefix(f"{path}: "),)
    return ()


__all__ = ["keras_findings"]
