"""ONNX files whose tensors may be in other files are refused before ONNX Runtime opens them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import EngineError, Recommender
from hanji.runtime.engines.onnx_file import check_onnx

onnx = pytest.importorskip("onnx")


def tensor(external: bool = True, name: str = "w", location: str = "../secret.bin") -> Any:
    made = onnx.numpy_helper.from_array(np.ones((2, 3), np.float32), name)
    if external:
        made.ClearField("raw_data")
        made.data_location = onnx.TensorProto.EXTERNAL
        made.external_data.add(key="offset", value="0")
        made.external_data.add(key="location", value=location)
    return made


def graph(nodes: Any = (), initializers: Any = (), sparse: Any = ()) -> Any:
    return onnx.helper.make_graph(
        list(nodes), "g", [], [], list(initializers), sparse_initializer=list(sparse)
    )


def constant(**attributes: Any) -> Any:
    return onnx.helper.make_node("Constant", [], ["c"], **attributes)


def sparse(values: Any, indices: Any) -> Any:
    made = onnx.SparseTensorProto()
    made.values.CopyFrom(values)
    made.indices.CopyFrom(indices)
    return made


def model(made: Any) -> Any:
    return onnx.helper.make_model(made)


def with_training(made: Any, field: str) -> Any:
    result = model(graph())
    getattr(result.training_info.add(), field).CopyFrom(made)
    return result


def with_function(node: Any) -> Any:
    result = model(graph())
    result.functions.append(
        onnx.helper.make_function("d", "f", [], ["c"], [node], [onnx.helper.make_opsetid("", 17)])
    )
    return result


def nested(depth: int) -> Any:
    made = graph(initializers=[tensor()])
    for _ in range(depth):
        made = graph([onnx.helper.make_node("If", ["x"], ["y"], then_branch=made)])
    return model(made)


def only_location() -> Any:
    """Entries without the field that says that they count: another reader may follow them."""
    made = tensor()
    made.ClearField("data_location")
    return made


PLACES: dict[str, Callable[[], Any]] = {
    "initializer": lambda: model(graph(initializers=[tensor(False, "a"), tensor()])),
    "entries alone": lambda: model(graph(initializers=[only_location()])),
    "attribute": lambda: model(graph([constant(value=tensor())])),
    "attribute with several": lambda: model(graph([constant(values=[tensor(False, "a"), tensor()])])),
}
UNREAD: dict[str, tuple[Callable[[], Any], str]] = {
    "sparse initializer": (lambda: model(graph(sparse=[sparse(tensor(), tensor(False))])), "a sparse tensor"),
    "sparse indices": (
        lambda: model(graph(sparse=[sparse(tensor(False, "a"), tensor())])),
        "a sparse tensor",
    ),
    "sparse attribute": (
        lambda: model(graph([constant(sparse_value=sparse(tensor(), tensor(False)))])),
        "a sparse tensor",
    ),
    "branch": (lambda: nested(1), "the operator If"),
    "branches in branches": (lambda: nested(20), "the operator If"),
    "function": (lambda: with_function(constant(value=tensor())), "a function"),
    "training": (
        lambda: with_training(graph(initializers=[tensor()]), "initialization"),
        "training steps",
    ),
    "training step": (lambda: with_training(graph(initializers=[tensor()]), "algorithm"), "training steps"),
}
"""Places that no bundle has, with what the message names."""


@pytest.mark.parametrize("place", PLACES)
def test_tensors_in_other_files_are_refused(place: str) -> None:
    content = PLACES[place]().SerializeToString()
    with pytest.raises(EngineError, match=r"model\.onnx: the values of tensor 'w' .* '\.\./secret\.bin'"):
        check_onnx(content, "model.onnx")


@pytest.mark.parametrize("place", UNREAD)
def test_places_of_tensors_that_no_bundle_has_are_refused(place: str) -> None:
    make, found = UNREAD[place]
    with pytest.raises(EngineError, match=rf"model\.onnx: it contains {found}, which no bundle may"):
        check_onnx(make().SerializeToString(), "model.onnx")


def test_encodings_that_writers_do_not_use() -> None:
    """The key of data_location in three bytes, and its value in two."""
    plain = tensor(False).SerializeToString() + b"\xf0\x80\x00" + b"\x81\x00"
    found = onnx.TensorProto.FromString(plain)
    assert found.data_location == onnx.TensorProto.EXTERNAL
    size = len(plain)
    content = b"\x3a" + bytes([size + 2]) + b"\x2a" + bytes([size]) + plain
    assert onnx.ModelProto.FromString(content).graph.initializer[0] == found
    with pytest.raises(EngineError, match="the values of tensor 'w' are in another file, ''"):
        check_onnx(content, "model.onnx")


def test_a_file_that_contains_its_tensors(onnx_bundle: Path) -> None:
    for path in onnx_bundle.glob("*.onnx"):
        check_onnx(path.read_bytes(), path.name)
    check_onnx(model(graph([constant(value=tensor(False))])).SerializeToString(), "model.onnx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x3a\x05", "ends at byte 7, after its message, which ends at 2"),
        (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "after its message"),
        (b"\x3a" + b"\xff" * 11, "an integer of more than ten bytes"),
        (b"\x3a\xff", "the file is truncated"),
        (b"\x0b\x0c", "an unexpected type of field"),
        (b"\x0d\x00", "after its message"),
        (b"not a model", "an unexpected type of field"),
        (b"\x08\x01" * (2**19 + 1), "a message of more than 524,288 fields"),
    ],
)
def test_malformed_files(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_onnx(content, "model.onnx")


def field(key: int, content: bytes) -> bytes:
    size = len(content)
    return bytes([key, size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content


def test_many_levels_are_not_read() -> None:
    content = b""
    for _ in range(2000):  # a graph in an attribute of a node of a graph, which writers would refuse
        for key in (0x32, 0x2A, 0x0A):
            content = field(key, content)
    with pytest.raises(EngineError, match="which no bundle may"):
        check_onnx(field(0x3A, content), "model.onnx")


@pytest.mark.parametrize("bytes_to_map", [2**30, 1])
def test_opening_refuses_before_a_session_exists(
    make_parts: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_to_map: int
) -> None:
    """A file that is read, and one that is mapped; the other file lies where it says."""
    from hanji.runtime import bundle
    from hanji.runtime.engines import onnxruntime

    parts = make_parts("onnx")
    made = onnx.ModelProto.FromString(parts.files["model.onnx"])
    row = next(entry for entry in made.graph.initializer if entry.name == "bias")
    (tmp_path / "secret.bin").write_bytes(row.raw_data)
    row.CopyFrom(tensor(name="bias", location=str(tmp_path / "secret.bin")))
    parts.files["model.onnx"] = made.SerializeToString()
    monkeypatch.setattr(bundle, "MAPPED_FROM_BYTES", bytes_to_map)
    monkeypatch.setattr(onnxruntime.onnxruntime, "InferenceSession", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(EngineError, match=r"model\.onnx: the values of tensor 'bias' are in another file"):
        Recommender.open(parts.write(tmp_path / "bundle"), engine="onnxruntime")


def test_ort_format_is_not_read(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    """Another format that ONNX Runtime would recognize by its content, and that is not checked."""
    parts = make_parts("onnx")
    parts.files["model.onnx"] = b"\x0a\x06ORTM\0\0"  # as protocol buffers: a field of six bytes
    with pytest.raises(EngineError, match=r"rejected model\.onnx"):
        Recommender.open(parts.write(tmp_path / "bundle"))
