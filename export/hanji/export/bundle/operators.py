"""Refuses model files that the loaders would refuse, so that no bundle with one is written."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hanji.export.bundle.artifact import TFJS_PATH
from hanji.export.formats.operator_lists import operator_lists
from hanji.runtime.engines.onnx_file import check_onnx
from hanji.runtime.engines.tflite_file import check_tflite
from hanji.runtime.errors import EngineError
from hanji.training.errors import ConversionError

_ADVICE = {
    "Loop": "build recurrent layers with unroll=True",
    "WHILE": "build recurrent layers with unroll=True",
}
"""What else to try, by operator."""


def expect_known_operators(target: str, contents: Mapping[str, bytes], where: str = "") -> None:
    """ConversionError for a model file with an operator that no bundle may contain (``operator_lists``).

    ``contents`` are the files of a model in the format ``target`` by path. ``where`` names a single file in
    the message instead of its path in the bundle.
    """
    for path, content in contents.items():
        named = where or path
        try:
            if target == "tflite":
                check_tflite(content, named)
            elif target == "onnx":
                check_onnx(content, named)
            elif path == TFJS_PATH:
                _check_tfjs(content, named)
        except (EngineError, ValueError) as error:
            advice = next((text for name, text in _ADVICE.items() if f"operator {name}," in str(error)), "")
            raise ConversionError("; ".join(filter(None, (str(error), advice)))) from error


def _check_tfjs(content: bytes, path: str) -> None:
    """EngineError for a node that is not in the list."""
    nodes = json.loads(content)["modelTopology"]["node"]
    unknown = sorted({node["op"] for node in nodes} - set(operator_lists()["tfjs"]))
    if unknown:
        raise EngineError(
            f"{path}: it contains the operator {unknown[0]}, which no bundle may; build the model without it"
        )


__all__ = ["expect_known_operators"]
