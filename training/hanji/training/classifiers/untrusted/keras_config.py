"""Checks the config of a Keras model: every class and function that it names has to be known.

Keras finds a class or function that a config names by importing the module that it names, and calls it. The
config is therefore a program, whatever ``safe_mode`` says; this module reads it as JSON.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from hanji.training.classifiers.untrusted.keras_names import (
    FUNCTIONS,
    LAYERS,
    LEARNING,
    MODELS,
    NAMESPACES,
    OPERATIONS,
    OWN_LAYERS,
    PLAIN_FUNCTIONS,
    VALUES,
)
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import DataError

_OWN = "hanji>"
_LARGEST_DEPTH = 200


def expect_known_config(config: object, where: str) -> None:
    """DataError, naming ``where``, layer, class and function, if ``config`` names one that is not known.

    Also for a config that is nested deeper than those of Keras are.
    """
    if trusts_code():
        return
    for node, layer in _nodes(config, "", where, 0):
        problem = _problem(node)
        if problem:
            raise DataError(
                f"{where}: {f'layer {layer!r}: ' if layer else ''}{problem}, which may be code; hanji reads "
                "built-in layers and functions. Save the model without it, or, if you trust whoever made the "
                "file, add --trust-code"
            )


def _nodes(value: object, layer: str, where: str, depth: int) -> Iterator[tuple[dict[str, Any], str]]:
    """All tables of a config that name a class, with the name of the layer they are in."""
    if depth > _LARGEST_DEPTH:
        raise DataError(f"{where}: expected a model config of ordinary depth, found one nested too deep")
    if isinstance(value, dict):
        if "class_name" in value:
            layer = _name_of(value) or layer
            yield value, layer
        children: Any = value.values()
    else:
        children = value if isinstance(value, list) else ()
    for child in children:
        yield from _nodes(child, layer, where, depth + 1)


def _name_of(node: dict[str, Any]) -> str:
    config = node.get("config")
    return str(config.get("name") or "") if isinstance(config, dict) else ""


def _problem(node: dict[str, Any]) -> str:
    """What is not known about the class or function that ``node`` names; empty if all is."""
    name, module = node["class_name"], node.get("module")
    if not isinstance(name, str) or not isinstance(module, str | None):
        return f"names the class {name!r} of the module {module!r}"
    if name == "function":
        return _function_problem(node.get("config"), module)
    if name in VALUES:
        return ""
    if name.startswith(_OWN) or str(node.get("registered_name") or "").startswith(_OWN):
        known = name.removeprefix(_OWN) in OWN_LAYERS
    else:
        known = _of_keras(module) and _is_known_class(name, module or "")
    if not known:
        return f"names the class {name}{f' of {module}' if module else ''}"
    config = node.get("config")
    if name in ("TFOpLambda", "SlicingOpLambda"):
        function = config.get("function") if isinstance(config, dict) else None
        if not _is_plain_tensorflow(function):
            return f"calls TensorFlow's {function}"
    return ""


def _function_problem(name: object, module: str | None) -> str:
    known = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
    if known and module in (None, "builtins", *(f"keras.{each}" for each in PLAIN_FUNCTIONS)):
        modules = [importlib.import_module(f"tf_keras.{each}") for each in PLAIN_FUNCTIONS]
        if any(callable(vars(each).get(str(name))) for each in modules):
            return ""
    return f"names the function {name}{f' of {module}' if module else ''}"


def _of_keras(module: str | None) -> bool:
    return module is None or module.split(".")[0] in ("keras", "tf_keras")


def _is_known_class(name: str, module: str) -> bool:
    if name in LAYERS or name in MODELS:
        return True
    if module.startswith(OPERATIONS):
        return name.isidentifier()
    modules = [importlib.import_module(f"tf_keras.{each}") for each in LEARNING]
    return any(isinstance(vars(each).get(name), type) for each in modules)


def _is_plain_tensorflow(function: object) -> bool:
    if not isinstance(function, str):
        return False
    name = function.removeprefix("compat.v1.")
    return name in FUNCTIONS or name.startswith(NAMESPACES)


__all__ = ["expect_known_config"]
