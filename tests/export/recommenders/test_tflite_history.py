"""History models in TFLite: both signatures, any history length, one copy of the table in low-bit rows."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from hanji.export.formats.tflite import FIRST_LITERT, oldest_litert
from hanji.export.formats.tflite_graph import opened
from hanji.export.recommenders.formats.history_signatures import HistorySignatures
from hanji.export.recommenders.formats.row_table import RowTable, row_table
from hanji.export.recommenders.formats.tflite_history import HISTORY_LENGTH, convert_history_tflite
from hanji.export.recommenders.formats.tflite_rows import store_rows
from hanji.training.errors import ConversionError
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

# Fractions of the scores' spread: for rows, the user vector is quantized to 8 bits as well.
CLOSE = {"float32": 1e-5, "float16": 0.02, "int8-rows": 0.1, "int4-rows": 0.1}
KINDS = pytest.mark.parametrize("kind", ["history", "attention", "tower"])
SCHEMES = pytest.mark.parametrize("scheme", list(CLOSE))
ROWS = pytest.mark.parametrize(("scheme", "bits"), [("int8-rows", 8), ("int4-rows", 4)])


def large_model(bits: int | None, items: int = 3706, size: int = 96) -> HistoryModel:
    config = ModelConfig(type="history", embedding_size=size, hidden_units=(), user_units=32)
    model = HistoryModel(config, items, row_bits=bits)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    return model


@functools.cache
def tflite_of(compressed: Any, kind: str, scheme: Any) -> bytes:
    """The TFLite file, converted once for all tests."""
    return convert_history_tflite(compressed(kind, scheme).model, scheme)


def histories() -> list[np.ndarray]:
    """Short and long histories, one with padding and one of padding only."""
    rng = np.random.default_rng(1)
    drawn = [rng.choice(200, length, replace=False) for length in (1, 90, 7)]
    lists = [*drawn, np.insert(drawn[2], [0, 3, 7], -1), np.full(3, -1), drawn[0]]
    return [history.astype(np.int32) for history in lists]


@pytest.mark.parametrize("delegate", [True, False])
@SCHEMES
@KINDS
def test_both_signatures_match_keras(compressed: Any, kind: str, scheme: Any, delegate: bool) -> None:
    model = compressed(kind, scheme).model
    kinds = OpResolverType.AUTO if delegate else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=tflite_of(compressed, kind, scheme), experimental_op_resolver_type=kinds
    )
    scores, why = (interpreter.get_signature_runner(name) for name in ("history", "why"))
    keras, item = HistorySignatures(model), np.array([11], np.int32)
    for history in histories():
        expected = keras.history(history)["scores"].numpy()
        found = scores(history=history)["scores"]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=CLOSE[scheme] * max(expected.std(), 0.1))
        shares = why(history=history, item=item)["shares"]
        np.testing.assert_allclose(
            shares, keras.why(history, item)["shares"].numpy(), rtol=0, atol=min(CLOSE[scheme], 0.02)
        )
        assert (shares[history < 0] == 0).all()


@KINDS
@ROWS
def test_the_table_is_stored_once_in_the_bit_width_of_the_scheme(
    compressed: Any, kind: str, scheme: Any, bits: int
) -> None:
    model = compressed(kind, scheme).model
    content = tflite_of(compressed, kind, scheme)
    rows = row_table(model, scheme)
    assert rows is not None
    values = rows.quantized.reshape(-1).astype(np.uint8)
    stored = values if bits == 8 else (values[0::2] & 15) | (values[1::2] << 4)
    assert content.count(stored.tobytes()) == 1
    assert content.count(rows.scales.tobytes()) == 1
    assert rows.values.tobytes() not in content


@pytest.mark.parametrize(("scheme", "bits", "limit"), [("int4-rows", 4, 234_000), ("int8-rows", 8, 412_000)])
def test_the_file_for_thousands_of_items_is_small(scheme: Any, bits: int, limit: int) -> None:
    model = large_model(bits)
    both, alone = (
        len(convert_history_tflite(model, scheme, only=only)) for only in (["history", "why"], ["history"])
    )
    assert both <= limit
    assert both - alone < 7_000  # no kernel is stored twice, not even transposed


def test_a_second_conversion_gives_the_same_bytes(compressed: Any) -> None:
    model = compressed("tower", "int4-rows").model
    assert convert_history_tflite(model, "int4-rows") == convert_history_tflite(model, "int4-rows")


@pytest.mark.parametrize("scheme", ["float32", "int4-rows"])
def test_padding_to_the_default_length_gives_the_same_scores(compressed: Any, scheme: Any) -> None:
    interpreter = Interpreter(model_content=tflite_of(compressed, "attention", scheme))
    history = histories()[1]
    expected = interpreter.get_signature_runner("history")(history=history)["scores"]
    fixed = Interpreter(model_content=tflite_of(compressed, "attention", scheme))
    (details,) = fixed.get_input_details()
    assert (list(details["shape"]), list(details["shape_signature"])) == ([HISTORY_LENGTH], [-1])
    fixed.allocate_tensors()
    padding = np.full(HISTORY_LENGTH - len(history), -1, np.int32)
    fixed.set_tensor(details["index"], np.append(history, padding))
    fixed.invoke()
    found = fixed.get_tensor(fixed.get_output_details()[0]["index"])
    np.testing.assert_allclose(found, expected, atol=0.02 * expected.std())


def test_row_schemes_require_the_engine_version_they_were_run_with(compressed: Any) -> None:
    rows = tflite_of(compressed, "history", "int8-rows")
    floats = tflite_of(compressed, "history", "float32")
    assert oldest_litert(rows, "9.9.9") == "9.9.9"
    assert oldest_litert(floats, "9.9.9") == FIRST_LITERT


@ROWS
def test_a_model_with_other_row_bits_is_rejected(compressed: Any, scheme: Any, bits: int) -> None:
    with pytest.raises(ConversionError, match=f"expected a history model with row_bits {bits}"):
        convert_history_tflite(compressed("history").model, scheme)


def test_int4_rows_of_odd_size_are_rejected() -> None:
    with pytest.raises(ConversionError, match="expected an even embedding_size"):
        convert_history_tflite(large_model(4, items=20, size=9), "int4-rows")


def test_weights_beyond_the_float16_range_are_rejected() -> None:
    model = large_model(8, items=20)
    model.user_kernel.assign(model.user_kernel * 1e7)
    with pytest.raises(ConversionError, match="expected weights within the range of float16"):
        convert_history_tflite(model, "int8-rows")


def test_a_table_missing_from_the_file_is_an_error(compressed: Any) -> None:
    _, graphs = opened(tflite_of(compressed, "history", "float32"))
    other = RowTable(np.ones((200, 12), np.int8), np.ones(200, np.float32), bits=8)
    with pytest.raises(ConversionError, match="expected the item table once per signature, found it 0 times"):
        store_rows(graphs[0], other)
