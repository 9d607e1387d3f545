"""TF.js: the files of the graph model, and running it with TF.js in Node."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import hanji.export.formats.tfjs
from hanji.export.formats.fake_quant import grid_of_range
from hanji.export.formats.tfjs_node import CHECK, TfjsCall, TfjsNode
from hanji.export.recommenders.formats.tfjs import convert_tfjs
from hanji.training.errors import ConversionError

SHAPES = ([120, 12], [200, 12], [120, 8], [200, 8])  # of the tables
WIDTHS = {"float32": 4, "int32": 4, "float16": 2, "uint8": 1}


def entries(files: dict[str, bytes]) -> list[dict[str, Any]]:
    (group,) = json.loads(files["model.json"])["weightsManifest"]
    return group["weights"]


def stored_dtype(entry: dict[str, Any]) -> str:
    return entry.get("quantization", entry)["dtype"]


def stored_values(files: dict[str, bytes]) -> list[tuple[dict[str, Any], np.ndarray]]:
    """The entry of each weight with its stored values."""
    content = b"".join(content for name, content in files.items() if name.endswith(".bin"))
    found, start = [], 0
    for entry in entries(files):
        dtype, size = stored_dtype(entry), int(np.prod(entry["shape"]))
        end = start + size * WIDTHS[dtype]
        found.append((entry, np.frombuffer(content[start:end], dtype).reshape(entry["shape"])))
        start = end
    assert start == len(content)
    return found


@pytest.mark.parametrize("kind", ["neumf", "ncf", "mf"])
@pytest.mark.parametrize(
    ("scheme", "dtype"), [("float32", "float32"), ("float16", "float16"), ("int8", "uint8")]
)
def test_each_table_is_stored_once_in_the_dtype_of_the_scheme(
    compressed: Any, kind: str, scheme: Any, dtype: str
) -> None:
    files = convert_tfjs(compressed(kind, scheme).model, 200, scheme)
    tables = [entry for entry in entries(files) if entry["shape"] in ([120, 12], [200, 12])]
    assert [entry["shape"][0] for entry in sorted(tables, key=lambda entry: entry["shape"])] == [120, 200]
    assert {stored_dtype(entry) for entry in tables} == {dtype}


def test_int8_tables_are_bit_identical_to_those_of_the_tflite_file(bundle: Any) -> None:
    directory = bundle("neumf", "int8").path
    tflite = (directory / "model.tflite").read_bytes()
    files = {path.name: path.read_bytes() for path in (directory / "tfjs").iterdir()}
    tables = [
        (entry["quantization"], values) for entry, values in stored_values(files) if entry["shape"] in SHAPES
    ]
    assert len(tables) == 4
    for grid, values in tables:
        signed = (values.astype(int) + round(grid["min"] / grid["scale"])).astype(np.int8)
        assert tflite.count(signed.tobytes()) == 1
        assert np.float32(grid["scale"]).tobytes() in tflite
        assert np.float32(grid["scale"]) == grid["scale"]


def test_the_signature_of_the_graph_is_complete(compressed: Any) -> None:
    model = json.loads(convert_tfjs(compressed("neumf").model, 200, "float32")["model.json"])
    assert model["format"] == "graph-model"
    assert sorted(model["signature"]["inputs"]) == ["pair_item", "pair_user", "user"]
    assert sorted(model["signature"]["outputs"]) == ["pair_scores", "scores"]
    names = [node["name"] for node in model["modelTopology"]["node"]]
    assert len(set(names)) == len(names)
    assert {"user", "pair_user", "pair_item", "scores", "pair_scores"} <= set(names)


def test_large_weights_are_split_into_shards(
    compressed: Any, tfjs: TfjsNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = compressed("neumf").model
    call = TfjsCall({"user": np.array([5], np.int32)}, "scores")
    whole = tfjs.run(convert_tfjs(model, 200, "float32"), [call])
    monkeypatch.setattr(hanji.export.formats.tfjs, "LARGEST_SHARD_BYTES", 5_000)
    files = convert_tfjs(model, 200, "float32")
    assert len(files) > 4
    assert max(map(len, [content for name, content in files.items() if name.endswith(".bin")])) == 5_000
    np.testing.assert_array_equal(tfjs.run(files, [call]).outputs[0], whole.outputs[0])


@pytest.mark.parametrize("kind", ["neumf", "gmf", "mlp", "ncf", "mf"])
def test_int8_in_node_rounds_at_the_same_points_as_keras(compressed: Any, tfjs: TfjsNode, kind: str) -> None:
    model = compressed(kind, "int8").model
    users, items = np.full(200, 9, np.int32), np.arange(200, dtype=np.int32)
    calls = [
        TfjsCall({"user": users[:1]}, "scores"),
        TfjsCall({"pair_user": users, "pair_item": items}, "pair_scores"),
    ]
    scores, pairs = tfjs.run(convert_tfjs(model, 200, "int8"), calls).outputs
    expected = model([users, items], training=False).numpy()[:, 0]
    np.testing.assert_allclose(scores, expected, atol=0.1 * expected.std())
    np.testing.assert_array_equal(pairs, scores)
    assert np.median(np.abs(scores - expected)) < 1e-5


def test_a_model_without_ranges_is_rejected() -> None:
    with pytest.raises(ConversionError, match="calibrate"):
        grid_of_range(0.0, 0.0, bits=8, narrow=False)


def test_a_grid_contains_zero_and_the_ends_of_its_range() -> None:
    grid = grid_of_range(-0.1, 5.0, bits=8, narrow=False)
    assert (grid.first, grid.last, grid.zero_point) == (0, 255, 5)
    assert grid.low == pytest.approx(-0.1)
    assert grid.high == pytest.approx(5.0)


def test_the_lock_file_contains_no_host_names() -> None:
    assert "resolved" not in (CHECK / "package-lock.json").read_text()
    assert "http" not in (CHECK / "package-lock.json").read_text()
