"""Precomputation in float models: terms that depend on the item only are computed at export, stored once."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.export.formats.tfjs_node import TfjsCall, TfjsNode
from hanji.export.recommenders.formats.onnx import convert_onnx
from hanji.export.recommenders.formats.precomputed import precomputable
from hanji.export.recommenders.formats.signatures import Signatures, precomputed_signatures
from hanji.export.recommenders.formats.tfjs import convert_tfjs
from hanji.export.recommenders.formats.tflite import convert_functions, convert_tflite
from hanji.training.recommenders.models.build import build_model
from hanji.training.recommenders.models.config import ModelConfig

KINDS = ("neumf", "gmf", "mlp", "ncf", "mf")
TOLERANCE = {"float32": 1e-5, "float16": 0.02}  # of the spread of a user's scores
USERS = (7, 101)


@functools.cache
def tflite_of(compressed: Any, kind: str, scheme: Any) -> bytes:
    """The TFLite file with both signatures, converted once for all tests."""
    return convert_tflite(compressed(kind).model, 200, scheme)


@functools.cache
def catalogue_of(compressed: Any, kind: str, scheme: Any) -> bytes:
    """The ONNX file of the catalogue signature, converted once for all tests."""
    return convert_onnx(compressed(kind).model, 200, scheme, "catalogue")


def keras_scores(compressed: CompressedModel, user: int) -> np.ndarray:
    pairs = [np.full(200, user, np.int32), np.arange(200, dtype=np.int32)]
    return compressed.model(pairs, training=False).numpy()[:, 0]


def assert_close(scores: np.ndarray, expected: np.ndarray, scheme: str) -> None:
    assert scores.shape == expected.shape
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=0, atol=TOLERANCE[scheme] * expected.std())


def half_of(compressed: CompressedModel) -> np.ndarray:
    """The item half of the first hidden layer of a NeuMF model."""
    table = compressed.model.get_layer("item_mlp").get_weights()[0].astype(np.float64)
    kernel, bias = compressed.model.get_layer("hidden_0").get_weights()
    return (table @ kernel[table.shape[1] :].astype(np.float64) + bias).astype(np.float32)


@pytest.mark.parametrize("scheme", ["float32", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_litert_matches_keras(compressed: Any, kind: str, scheme: Any) -> None:
    model = compressed(kind)
    interpreter = Interpreter(model_content=tflite_of(compressed, kind, scheme))
    catalogue, pairs = map(interpreter.get_signature_runner, ("catalogue", "pairs"))
    items = np.array([199, 0, 3, 3], np.int32)
    for user in USERS:
        expected = keras_scores(model, user)
        assert_close(catalogue(user=np.array([user], np.int32))["scores"], expected, scheme)
        few = pairs(user=np.full(4, user, np.int32), item=items)["scores"]
        np.testing.assert_allclose(few, expected[items], rtol=0, atol=TOLERANCE[scheme] * expected.std())


@pytest.mark.parametrize("scheme", ["float32", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_onnxruntime_matches_keras(compressed: Any, kind: str, scheme: Any) -> None:
    model = compressed(kind)
    session = onnxruntime.InferenceSession(catalogue_of(compressed, kind, scheme))
    for user in USERS:
        (scores,) = session.run(None, {"user": np.array([user], np.int32)})
        assert_close(scores, keras_scores(model, user), scheme)


@pytest.mark.parametrize("scheme", ["float32", "float16"])
@pytest.mark.parametrize("kind", KINDS)
def test_tfjs_matches_keras(compressed: Any, tfjs: TfjsNode, kind: str, scheme: Any) -> None:
    model = compressed(kind)
    items = np.arange(200, dtype=np.int32)
    calls = [TfjsCall({"user": np.array([user], np.int32)}, "scores") for user in USERS]
    both = {"pair_user": np.full(200, USERS[0], np.int32), "pair_item": items}
    found = tfjs.run(convert_tfjs(model.model, 200, scheme), [*calls, TfjsCall(both, "pair_scores")])
    for scores, user in zip(found.outputs, (*USERS, USERS[0]), strict=True):
        assert_close(scores, keras_scores(model, user), scheme)


def test_the_precomputed_half_replaces_the_item_table(compressed: Any) -> None:
    model = compressed("neumf")
    table, half = model.model.get_layer("item_mlp").get_weights()[0], half_of(model)
    trained = convert_functions(Signatures(model.model, 200), "float32", ["catalogue", "pairs"])
    content = convert_tflite(model.model, 200, "float32")
    assert trained.count(table.tobytes()) == 1
    assert (content.count(table.tobytes()), content.count(half.tobytes())) == (0, 1)
    assert len(content) - len(trained) < half.nbytes - table.nbytes + 2000
    (shard,) = (data for name, data in convert_tfjs(model.model, 200, "float32").items() if "shard" in name)
    assert (shard.count(table.tobytes()), shard.count(half.tobytes())) == (0, 1)


def test_an_ncf_file_contains_half_and_table_once_each(compressed: Any) -> None:
    model = compressed("ncf")
    content = convert_tflite(model.model, 200, "float32")
    trained = convert_functions(Signatures(model.model, 200), "float32", ["catalogue", "pairs"])
    assert content.count(model.model.get_layer("item_embedding").get_weights()[0].tobytes()) == 1
    assert len(content) - len(trained) < 200 * 16 * 4 + 2000


@pytest.mark.parametrize("kind", ["gmf", "mf"])
def test_product_models_do_not_grow(compressed: Any, kind: str) -> None:
    model = compressed(kind).model
    trained = convert_functions(Signatures(model, 200), "float32", ["catalogue", "pairs"])
    assert len(tflite_of(compressed, kind, "float32")) <= len(trained)


def test_pairs_in_a_separate_file_are_not_precomputed(compressed: Any) -> None:
    model = compressed("neumf")
    content = convert_onnx(model.model, 200, "float32", "pairs")
    assert model.model.get_layer("item_mlp").get_weights()[0].tobytes() in content


@pytest.mark.parametrize("kind", KINDS)
def test_the_user_is_looked_up_once(compressed: Any, kind: str) -> None:
    interpreter = Interpreter(model_content=tflite_of(compressed, kind, "float32"))
    operations = {details["op_name"] for details in interpreter._get_ops_details()}
    assert not operations & {"TILE", "CONCATENATION", "BROADCAST_TO"}
    graph = onnx.load_from_string(catalogue_of(compressed, kind, "float32")).graph
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    tables = {tensor.name: tensor for tensor in graph.initializer if tensor.name in looked_up}
    assert {numpy_helper.to_array(tensor).shape[0] for tensor in tables.values()} == {120}


@pytest.mark.parametrize(
    ("scheme", "together", "expected"),
    [
        ("float32", ["catalogue", "pairs"], ("catalogue", "pairs")),
        ("float16", ["catalogue"], ("catalogue",)),
        ("float16", ["pairs"], ("pairs",)),
        ("float32", ["pairs"], ()),
        ("dynamic", ["catalogue", "pairs"], ()),
        ("int8", ["catalogue", "pairs"], ()),
    ],
)
def test_precomputed_signatures(scheme: Any, together: list[str], expected: tuple[str, ...]) -> None:
    assert precomputed_signatures(scheme, together) == expected


@pytest.mark.parametrize("kind", ["neumf", "ncf"])
def test_a_second_conversion_gives_the_same_bytes(compressed: Any, kind: str) -> None:
    model = compressed(kind).model
    assert convert_tflite(model, 200, "float32") == convert_tflite(model, 200, "float32")
    assert convert_onnx(model, 200, "float16", "catalogue") == convert_onnx(
        model, 200, "float16", "catalogue"
    )


def test_unsupported_layers_disable_precomputation(compressed: Any) -> None:
    config = ModelConfig(type="ncf", hidden_units=(8,), batch_normalization=True)
    model = build_model(config, users=3, items=4)
    model.get_layer("hidden_0_norm").set_weights([np.full(8, value) for value in (0.5, 0.1, 0.2, 0.3)])
    interpreter = Interpreter(model_content=convert_tflite(model, 4, "float32"))
    scores = interpreter.get_signature_runner("catalogue")(user=np.array([2], np.int32))["scores"]
    expected = model([np.full(4, 2), np.arange(4)], training=False).numpy()[:, 0]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert not precomputable(compressed("neumf", "int8").model)


def test_pairs_and_catalogue_agree_in_float16(bundle: Any) -> None:
    directory, user = bundle("neumf", "float16").path, np.array([7], np.int32)
    catalogue, pairs = (
        onnxruntime.InferenceSession((directory / name).read_bytes()) for name in ("model.onnx", "pairs.onnx")
    )
    items = np.arange(200, dtype=np.int32)
    (scores,) = catalogue.run(None, {"user": user})
    (single,) = pairs.run(None, {"user": np.repeat(user, 200), "item": items})
    np.testing.assert_allclose(single, scores, atol=1e-6)
