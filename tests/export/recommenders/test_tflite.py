"""TFLite: one file, two signatures, one copy of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from hanji.export.formats.tflite import FIRST_LITERT, oldest_litert, tensor_names
from hanji.export.recommenders.formats.tflite import convert_tflite

TABLE_VALUES = (120 + 200) * (12 + 8)


def keras_scores(compressed: Any, user: int) -> np.ndarray:
    items = np.arange(compressed.full.catalogue.items, dtype=np.int32)
    users = np.full(len(items), user, np.int32)
    return compressed.model([users, items], training=False).numpy()[:, 0]


def test_both_signatures_match_keras(compressed: Any) -> None:
    model = compressed("neumf")
    interpreter = Interpreter(model_content=convert_tflite(model.model, 200, "float32"))
    expected = keras_scores(model, 7)
    scores = interpreter.get_signature_runner("catalogue")(user=np.array([7], np.int32))["scores"]
    users, items = np.full(5, 7, np.int32), np.array([0, 3, 199, 3, 20], np.int32)
    pairs = interpreter.get_signature_runner("pairs")(user=users, item=items)["scores"]
    assert scores.shape == (200,)
    assert scores.dtype == pairs.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(pairs, expected[items], atol=1e-5)


@pytest.mark.parametrize(("scheme", "width"), [("float32", 4), ("float16", 2), ("dynamic", 1), ("int8", 1)])
def test_tables_are_stored_once_in_the_dtype_of_the_scheme(
    compressed: Any, bundle: Any, scheme: Any, width: int
) -> None:
    both = len((bundle("neumf", scheme).path / "model.tflite").read_bytes())
    alone = len(convert_tflite(compressed("neumf", scheme).model, 200, scheme, only=["pairs"]))
    assert TABLE_VALUES * width < alone < both < alone + 0.4 * TABLE_VALUES * width + 4000


def test_int8_keeps_float_scores_and_a_float_head(bundle: Any) -> None:
    interpreter = Interpreter(str(bundle("neumf", "int8").path / "model.tflite"))
    scores = interpreter.get_signature_runner("catalogue")(user=np.array([3], np.int32))["scores"]
    tables = [t for t in interpreter.get_tensor_details() if list(t["shape"]) in ([120, 12], [200, 12])]
    assert scores.dtype == np.float32
    assert len(np.unique(scores)) > 190  # 8-bit scores would have many ties
    assert any(table["dtype"] == np.int8 and table["quantization"][1] == 0 for table in tables)


def test_tensor_names_are_read_from_the_file(compressed: Any) -> None:
    content = convert_tflite(compressed("mf").model, 200, "float32", only=["pairs"])
    assert sorted(tensor_names(content, "pairs").values()) == ["item", "scores", "user"]


@pytest.mark.parametrize("scheme", ["float32", "dynamic"])
def test_the_oldest_engine_is_read_from_the_file(bundle: Any, scheme: Any) -> None:
    content = (bundle("neumf", scheme).path / "model.tflite").read_bytes()
    assert oldest_litert(content, "9.9.9") == FIRST_LITERT


def test_a_file_that_requires_a_newer_engine_gets_the_version_it_was_run_with(compressed: Any) -> None:
    content = convert_tflite(compressed("mf").model, 200, "float32", only=["pairs"])
    needed = next(version for version in (b"1.5.0", b"2.3.0", b"1.14.0") if version in content)
    assert oldest_litert(content.replace(needed, b"2.99."), "2.3.0") == "2.3.0"
