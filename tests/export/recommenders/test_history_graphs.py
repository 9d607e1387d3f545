"""History models in ONNX and TF.js: same outputs as Keras, one copy of the item table in low-bit rows."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from hanji.export.formats.onnx import IR_VERSION, OPSET
from hanji.export.formats.tfjs_node import TfjsCall, TfjsNode
from hanji.export.recommenders.formats.history_signatures import HistorySignatures
from hanji.export.recommenders.formats.onnx_history import convert_history_onnx
from hanji.export.recommenders.formats.row_table import RowTable, row_table, with_exact_table
from hanji.export.recommenders.formats.tfjs_history import convert_history_tfjs
from hanji.training.errors import ConversionError
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.models.history import HistoryModel

ITEMS = 40
BITS = {"float32": None, "float16": None, "int8-rows": 8, "int4-rows": 4}
CLOSE = {"float32": 1e-5, "float16": 1e-2, "int8-rows": 1e-5, "int4-rows": 1e-5}
VARIANTS: dict[str, dict[str, Any]] = {
    "sum": {},
    "attention": {"history_pooling": "attention"},
    "timescales": {"history_pooling": "timescales", "history_ages": 20},
    "tower": {"hidden_units": (6, 4)},
    "odd": {"embedding_size": 7, "user_units": 0, "hidden_units": (5,), "history_pooling": "attention"},
}
SCHEMES = pytest.mark.parametrize("scheme", list(BITS))
KINDS = pytest.mark.parametrize("kind", list(VARIANTS))
ROWS = pytest.mark.parametrize("scheme", ["int8-rows", "int4-rows"])


def history_model(kind: str, scheme: str, items: int = ITEMS, **more: Any) -> HistoryModel:
    """An untrained model with random weights; one row of its table is zero."""
    sizes = {"embedding_size": 8, "user_units": 4, "hidden_units": (), **VARIANTS[kind], **more}
    model = HistoryModel(ModelConfig(type="history", **sizes), items, row_bits=BITS[scheme])
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.4, weight.shape).astype(np.float32) for weight in model.get_weights()]
    model.set_weights(weights)
    model.item_table.assign(np.where(np.arange(items)[:, None] == 5, 0, model.item_table.numpy()))
    return model


@functools.cache
def onnx_of(kind: str, scheme: Any, signature: str) -> bytes:
    """The ONNX file, converted once for all tests."""
    return convert_history_onnx(history_model(kind, scheme), scheme, signature)


def queries() -> list[tuple[np.ndarray, np.ndarray]]:
    """Histories, some with padding and one of padding only, each with an item to explain."""
    rng = np.random.default_rng(1)
    histories = [rng.integers(-1, ITEMS, length).astype(np.int32) for length in (1, 7, 60)]
    return [
        (history, rng.integers(0, ITEMS, 1).astype(np.int32))
        for history in [*histories, np.full_like(histories[1], -1)]
    ]


def assert_outputs(model: HistoryModel, scheme: str, outputs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Assert that scores and shares are those of Keras."""
    keras = HistorySignatures(model)
    for (history, item), (scores, shares) in zip(queries(), outputs, strict=True):
        expected = keras.history(history)["scores"].numpy()
        atol = CLOSE[scheme] * expected.std()
        np.testing.assert_allclose(scores, expected, rtol=0, atol=atol)
        explained = keras.why(history, item)["shares"].numpy()
        np.testing.assert_allclose(shares, explained, rtol=CLOSE[scheme], atol=atol)
        assert (shares[history < 0] == 0).all()


def initializers(content: bytes) -> list[np.ndarray]:
    return [numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(content).graph.initializer]


def entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    (group,) = json.loads(files["model.json"])["weightsManifest"]
    return group["weights"]


@SCHEMES
@KINDS
def test_onnx_matches_keras(kind: str, scheme: Any) -> None:
    model = history_model(kind, scheme)
    scores, why = (onnxruntime.InferenceSession(onnx_of(kind, scheme, name)) for name in ("history", "why"))
    outputs = []
    for history, item in queries():
        (scored,) = scores.run(["scores"], {"history": history})
        (explained,) = why.run(["shares"], {"history": history, "item": item})
        outputs.append((scored, explained))
    assert_outputs(model, scheme, outputs)


@SCHEMES
@KINDS
def test_tfjs_matches_keras(tfjs: TfjsNode, kind: str, scheme: Any) -> None:
    model = history_model(kind, scheme)
    calls = []
    for history, item in queries():
        calls.append(TfjsCall({"history": history}, "scores"))
        calls.append(TfjsCall({"why_history": history, "why_item": item}, "shares"))
    outputs = tfjs.run(convert_history_tfjs(model, scheme), calls).outputs
    assert_outputs(model, scheme, list(zip(outputs[::2], outputs[1::2], strict=True)))


@pytest.mark.parametrize(
    ("signature", "inputs", "output"),
    [
        ("history", {"history": ["length"]}, ("scores", [ITEMS])),
        ("why", {"history": ["length"], "item": [1]}, ("shares", ["length"])),
    ],
)
def test_onnx_names_types_and_shapes(signature: str, inputs: dict[str, Any], output: tuple[str, Any]) -> None:
    content = onnx_of("sum", "int4-rows", signature)
    session = onnxruntime.InferenceSession(content)
    assert {value.name: value.shape for value in session.get_inputs()} == inputs
    assert {value.type for value in session.get_inputs()} == {"tensor(int32)"}
    assert [(value.name, value.shape) for value in session.get_outputs()] == [output]
    model = onnx.load_from_string(content)
    assert model.ir_version == IR_VERSION
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]


def test_the_tfjs_signature_is_complete() -> None:
    files = convert_history_tfjs(history_model("sum", "int4-rows"), "int4-rows")
    signature = json.loads(files["model.json"])["signature"]
    assert sorted(signature["inputs"]) == ["history", "why_history", "why_item"]
    assert signature["outputs"]["scores"]["tensorShape"] == {"dim": [{"size": str(ITEMS)}]}
    assert signature["outputs"]["shares"]["tensorShape"] == {"dim": [{"size": "-1"}]}


@KINDS
@pytest.mark.parametrize(
    ("scheme", "dtype"), [("float32", "f4"), ("float16", "f2"), ("int8-rows", "i1"), ("int4-rows", "u1")]
)
@pytest.mark.parametrize("signature", ["history", "why"])
def test_onnx_contains_the_table_once(kind: str, scheme: Any, dtype: str, signature: str) -> None:
    weights = initializers(onnx_of(kind, scheme, signature))
    (table,) = (values for values in weights if values.ndim > 1 and ITEMS in values.shape)
    size = VARIANTS[kind].get("embedding_size", 8)
    assert table.dtype == np.dtype(dtype)
    assert table.shape == (ITEMS, (size + 1) // 2 if scheme == "int4-rows" else size)
    scales = [values.dtype for values in weights if values.shape == (ITEMS,)]
    assert scales == ([np.float16] if "rows" in scheme else [])


@pytest.mark.parametrize("kind", ["sum", "attention"])
@pytest.mark.parametrize(
    ("scheme", "dtype"),
    [("float32", "float32"), ("float16", "float16"), ("int8-rows", "uint8"), ("int4-rows", "uint8")],
)
def test_tfjs_contains_the_table_once(kind: str, scheme: Any, dtype: str) -> None:
    found = entries(convert_history_tfjs(history_model(kind, scheme), scheme))
    (table,) = (entry for entry in found if ITEMS in entry["shape"] and len(entry["shape"]) > 1)
    assert table.get("quantization", table)["dtype"] == dtype
    assert table["shape"] == [ITEMS, 4 if scheme == "int4-rows" else 8]


@ROWS
def test_a_look_up_in_onnx_dequantizes_only_the_rows_it_returns(scheme: Any) -> None:
    graph = onnx.load_from_string(onnx_of("sum", scheme, "why")).graph
    tables = {tensor.name for tensor in graph.initializer if ITEMS in tensor.dims}
    assert {node.op_type for node in graph.node if tables & set(node.input)} == {"Gather"}


def test_the_overhead_over_the_packed_weights_is_small() -> None:
    model = history_model("sum", "int4-rows", 3706, embedding_size=96, user_units=32)
    minimum = 3706 * (96 // 2 + 2) + 2 * (96 * 96 + 2 * 96 * 32)
    for signature in ("history", "why"):
        content = convert_history_onnx(model, "int4-rows", signature)
        assert minimum < len(content) < minimum + 8_000
        kernels = [values.dtype for values in initializers(content) if values.shape == (96, 96)]
        assert kernels == [np.float16]
    files = convert_history_tfjs(model, "int4-rows")
    shards = sum(len(content) for name, content in files.items() if name.endswith(".bin"))
    assert minimum < shards < minimum + 4_000
    assert len(files["model.json"]) < 16_000


@pytest.mark.parametrize("scheme", ["float16", "int4-rows"])
def test_a_second_conversion_gives_the_same_bytes(scheme: Any) -> None:
    convert_all = functools.partial(_everything, "odd", scheme)
    assert convert_all() == convert_all()


def _everything(kind: str, scheme: Any) -> list[Any]:
    model = history_model(kind, scheme)
    files = [convert_history_onnx(model, scheme, name) for name in ("history", "why")]
    return [*files, convert_history_tfjs(model, scheme)]


def test_a_byte_packs_column_j_in_the_low_and_column_j_plus_half_in_the_high_nibble() -> None:
    table = RowTable(np.array([[1, 2, -7]], np.int8), np.ones(1, np.float32), bits=4)
    assert table.packed().tolist() == [[(1 + 8) + 16 * (-7 + 8), (2 + 8) + 16 * (0 + 8)]]
    assert table.packed().dtype == np.uint8


@ROWS
def test_the_stored_rows_are_those_used_by_keras(scheme: Any) -> None:
    model = history_model("sum", scheme)
    table = row_table(model, scheme)
    assert table is not None
    assert np.abs(table.quantized[6]).max() == {8: 127, 4: 7}[table.bits]
    np.testing.assert_allclose(table.values, model.table().numpy(), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(with_exact_table(model, table).table().numpy(), table.values)


@ROWS
def test_rows_of_small_values_are_stored_too(scheme: Any) -> None:
    model = history_model("sum", scheme)
    sizes = 10.0 ** -np.arange(ITEMS, dtype=np.float32)[:, None].clip(max=9)
    model.item_table.assign(model.item_table.numpy() * sizes)
    table = row_table(model, scheme)
    assert table is not None
    np.testing.assert_array_equal(table.values, model.table().numpy())


@pytest.mark.parametrize(("scheme", "found"), [("int4-rows", "int8-rows"), ("float32", "int4-rows")])
def test_rows_of_another_scheme_are_rejected(scheme: Any, found: str) -> None:
    model = history_model("sum", found)
    with pytest.raises(ConversionError, match=f"{scheme}: expected a history model with row_bits"):
        convert_history_onnx(model, scheme, "history")
    with pytest.raises(ConversionError, match="compress the model with the scheme"):
        convert_history_tfjs(model, scheme)


def test_a_scheme_that_history_models_do_not_support_is_rejected() -> None:
    with pytest.raises(ConversionError, match="int8: expected a scheme for history models"):
        convert_history_tfjs(history_model("sum", "float32"), "int8")


def test_a_table_off_the_quantization_grid_is_rejected() -> None:
    model = history_model("sum", "int8-rows")
    model.item_table.assign(np.full((ITEMS, 8), np.nan, np.float32))
    with pytest.raises(
        ConversionError, match="expected each row of the item table to be quantized to 8 bits"
    ):
        convert_history_tfjs(model, "int8-rows")
