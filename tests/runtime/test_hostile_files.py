"""Model files that no bundle may contain are refused before an engine reads them, with right hashes."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import EngineError, Recommender
from hanji.runtime.engines.onnx_file import check_onnx
from hanji.runtime.engines.tflite_file import check_tflite

from ..hostile_files import Hostile, add_sum, hostile_onnx, hostile_tflite, packed

Make = Callable[..., Any]
CHECKS: dict[str, Callable[[bytes, str], None]] = {"model.onnx": check_onnx, "model.tflite": check_tflite}


def variants(make_parts: Make, form: str) -> Iterator[Hostile]:
    pytest.importorskip("onnx" if form == "onnx" else "flatbuffers")
    content = make_parts(form).files[f"model.{form}"]
    CHECKS[f"model.{form}"](content, "model")
    return {"onnx": hostile_onnx, "tflite": hostile_tflite}[form](content)


@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_they_are_refused_before_an_engine_exists(
    make_parts: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    for number, file in enumerate(variants(make_parts, form)):
        parts = make_parts(form)
        parts.files[file.path] = file.content
        with monkeypatch.context() as patched:
            if form == "onnx":
                from hanji.runtime.engines import onnxruntime

                patched.setattr(onnxruntime.onnxruntime, "InferenceSession", None)
            else:
                from hanji.runtime.engines.tflite import TfliteEngine

                patched.setattr(TfliteEngine, "_placed_interpreter", None)
            with pytest.raises(EngineError) as error:
                Recommender.open(parts.write(tmp_path / str(number)))
        assert file.path in str(error.value), file.name
        assert file.message in str(error.value), file.name


def test_scales_that_engines_compute_with_are_accepted(make_parts: Make) -> None:
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    for scales in ((1.0, 1.0, 2.0**-13), (1e-9, 3e-9, 1e-5)):
        model = schema.ModelT.InitFromPackedBuf(make_parts("tflite").files["model.tflite"], 0)
        add_sum(model, scales)
        check_tflite(packed(model), "model.tflite")


def test_the_operator_of_the_edge_tpu_where_the_manifest_says_so(make_parts: Make) -> None:
    (file,) = (file for file in variants(make_parts, "tflite") if file.name == "edge tpu")
    check_tflite(file.content, file.path, edge_tpu=True)
    (other,) = (file for file in variants(make_parts, "tflite") if file.name == "custom")
    with pytest.raises(EngineError, match="CUSTOM run_code"):
        check_tflite(other.content, other.path, edge_tpu=True)


@pytest.mark.parametrize("form", ["onnx", "tflite"])
def test_random_damage_is_refused_or_harmless(make_parts: Make, form: str) -> None:
    """A check raises EngineError or ValueError, and does not take long."""
    content, rng = make_parts(form).files[f"model.{form}"], random.Random(3)  # noqa: S311
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        with contextlib.suppress(EngineError, ValueError):
            CHECKS[f"model.{form}"](bytes(damaged[: rng.choice((len(damaged), 40, 400))]), "model")


def test_long_lists_are_refused() -> None:
    """A small file whose list of operators would be as long as the file."""
    root = 16  # vtable at 4, with the field of operator codes at 8 after the table
    table = (8).to_bytes(2, "little") + (8).to_bytes(2, "little") + b"\0\0" + (4).to_bytes(2, "little")
    content = root.to_bytes(4, "little") + table + b"\0" * 4 + (12).to_bytes(4, "little")
    content += (4).to_bytes(4, "little") + (10**6).to_bytes(4, "little") + bytes(4 * 10**6)
    with pytest.raises(ValueError, match="lists of more than 524,288 entries"):
        check_tflite(content, "model.tflite")


def test_a_small_file_with_much_to_read_is_refused() -> None:
    """A small file in which many tensors have one long shape."""
    flatbuffers = pytest.importorskip("flatbuffers")
    from ai_edge_litert import schema_py_generated as schema

    builder = flatbuffers.Builder(1 << 20)
    builder.StartVector(4, 50_000, 4)
    for _ in range(50_000):
        builder.PrependInt32(2)
    shape = builder.EndVector()
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, 50_000)
    for _ in range(50_000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    start = time.monotonic()
    with pytest.raises(ValueError, match="lists of more than 524,288 entries"):
        check_tflite(bytes(builder.Output()), "model.tflite")
    assert time.monotonic() - start < 2
