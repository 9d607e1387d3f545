"""Mutations of the contents of a bundle's model files, field by field; all checksums are updated.

A bit that is flipped in a file mostly breaks its encoding, and an engine then refuses it. These files are
encoded correctly, and what they describe is wrong: other operators, indices, shapes, dtypes, names and sizes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from damage import Mutator, rewritten

_INTEGERS = [0, 1, -1, 2, 5, 127, 255, 256, 2**15, 2**31 - 1, -(2**31), 2**40, 2**63 - 1]
_REALS = [0.0, -1.0, 1e-30, 1e30, float("nan"), float("inf")]
_TEXTS = ["", "x", "\x1b[31m", "한지", "x" * 5000, "../../etc/passwd", "user", "scores", "probabilities"]

Place = tuple[Any, Any]
"""Of a field: its owner, and its name or index."""


def tflite_fields(bundle: Path, rng: random.Random) -> str:
    """Change one to three fields of the TFLite model."""
    content = (bundle / "model.tflite").read_bytes()
    while True:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        changes = _changes(model, rng)
        builder = flatbuffers.Builder(1024)
        with suppress(Exception):  # values that do not fit into their fields raise errors of many types
            builder.Finish(model.Pack(builder), b"TFL3")
            return rewritten(bundle, "model.tflite", bytes(builder.Output()), ", ".join(changes))


def onnx_fields(bundle: Path, rng: random.Random) -> str:
    """Change one to three fields of an ONNX model."""
    path = rng.choice(sorted(bundle.glob("*.onnx")))
    model = onnx.load_model(path, load_external_data=False)
    changes = _changes(model, rng)
    return rewritten(bundle, path.name, model.SerializeToString(), ", ".join(changes))


MODEL_MUTATORS: tuple[Mutator, ...] = (tflite_fields, onnx_fields)


def _changes(model: Any, rng: random.Random) -> list[str]:
    return [_changed(rng.choice(list(_fields_of(model))), rng) for _ in range(rng.choice([1, 1, 2, 3]))]


def _fields_of(owner: Any) -> Iterator[Place]:
    """Every field in a tree of messages or tables, and the entries of their lists, at most 300 of each."""
    if hasattr(owner, "DESCRIPTOR"):
        names = [field.name for field, _ in owner.ListFields()]
    else:
        names = [name for name, value in getattr(owner, "__dict__", {}).items() if value is not None]
    for name in names:
        value = getattr(owner, name)
        yield owner, name
        if isinstance(value, str | bytes | int | float | np.ndarray):
            continue
        if hasattr(value, "__len__"):
            for index in range(min(len(value), 300)):
                yield value, index
                if not isinstance(value[index], str | bytes | int | float | np.number):
                    yield from _fields_of(value[index])
        else:
            yield from _fields_of(value)


def _changed(place: Place, rng: random.Random) -> str:
    """Replace, remove or repeat what is at ``place``; what cannot be encoded is left as it was."""
    owner, key = place
    old = owner[key] if isinstance(key, int) else getattr(owner, key)
    kind = rng.randrange(6)
    try:
        if kind == 0 and isinstance(key, int):
            del owner[key]
            return f"[{key}] removed"
        if kind == 0 and hasattr(owner, "ClearField"):
            owner.ClearField(key)
            return f"{key} removed"
        if kind == 1 and isinstance(key, int):
            owner.append(old)
            return f"[{key}] repeated"
        new = _other(old, rng)
        if isinstance(key, int):
            owner[key] = new
        else:
            setattr(owner, key, new)
    except (TypeError, ValueError, AttributeError, OverflowError):
        return f"{key} unchanged"
    return f"{key}: {str(old)[:30]!r} → {str(new)[:30]!r}"


def _other(value: Any, rng: random.Random) -> Any:
    makers: dict[type, Callable[[], Any]] = {
        bool: lambda: not value,
        int: lambda: rng.choice([*_INTEGERS, value + 1, value - 1, value * 2, -value]),
        float: lambda: rng.choice(_REALS),
        str: lambda: rng.choice(_TEXTS),
        bytes: lambda: rng.choice(
            [b"", b"\xff\xfe", value[: len(value) // 2], value + value[:7], rng.randbytes(8)]
        ),
    }
    if isinstance(value, np.ndarray):
        cut = value[: len(value) // 2]
        return rng.choice([cut, np.concatenate([value, cut]), value[::-1].copy(), None])
    if isinstance(value, np.integer):
        return int(rng.choice(_INTEGERS))
    return makers[type(value)]() if type(value) in makers else None


__all__ = ["MODEL_MUTATORS", "onnx_fields", "tflite_fields"]
