"""One model in one format: its files, and what the manifest says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import tf_keras as keras

from hanji.compression.steps import HISTORY_SCHEMES, ROW_BITS, Scheme
from hanji.export.config import Format
from hanji.export.history_signatures import HISTORY_SIGNATURES
from hanji.export.onnx import OLDEST_ONNXRUNTIME, convert_onnx
from hanji.export.onnx_history import convert_history_onnx
from hanji.export.precision import PRECISIONS
from hanji.export.signatures import SIGNATURES
from hanji.export.tfjs import OLDEST_TFJS, convert_tfjs
from hanji.export.tfjs_history import convert_history_tfjs
from hanji.export.tflite import convert_tflite
from hanji.export.tflite_history import convert_history_tflite
from hanji.export.tflite_runtime import tflite_engines
from hanji.runtime.manifest import Artifact, EngineRequirement, FileEntry, Parity, Signature, Tensor
from hanji.training.errors import ConversionError
from hanji.training.models.history import HistoryModel

ONNX_PATHS = {"catalogue": "model.onnx", "pairs": "pairs.onnx", "history": "model.onnx", "why": "why.onnx"}
TFLITE_PATH = "model.tflite"
TFJS_DIRECTORY = "tfjs/"
TFJS_PATH = TFJS_DIRECTORY + "model.json"

Ends = tuple[dict[str, int | None], dict[str, int | None]]
"""Inputs (int32) and outputs (float32) of a signature: the size of each by its name, None being any."""


@dataclass(frozen=True)
class Converted:
    """An artifact and the content of its files, by their path in the bundle."""

    artifact: Artifact
    contents: Mapping[str, bytes]


def convert(model: keras.Model, items: int, scheme: Scheme, target: Format) -> Converted:
    """``model`` over a catalogue of ``items`` items in the format ``target``; its parity is not measured yet.

    Raises ConversionError where the format cannot hold the model, or a scheme is not for its kind.
    """
    _check_scheme(model, scheme)
    if target == "tflite":
        return _tflite(model, items, scheme)
    if target == "onnx":
        return _onnx(model, items, scheme)
    return _tfjs(model, items, scheme)


def signatures_of(model: keras.Model) -> tuple[str, ...]:
    """What a model can be asked: for the whole catalogue first, then about single items."""
    return HISTORY_SIGNATURES if isinstance(model, HistoryModel) else SIGNATURES


def file_entry(path: str, content: bytes) -> FileEntry:
    """The manifest's entry of a file."""
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


def _check_scheme(model: keras.Model, scheme: Scheme) -> None:
    if isinstance(model, HistoryModel) and scheme not in HISTORY_SCHEMES:
        raise ConversionError(
            f"{scheme}: expected a model of users, found a history model; "
            f"compress it with float16, {' or '.join(ROW_BITS)}"
        )
    if not isinstance(model, HistoryModel) and scheme in ROW_BITS:
        raise ConversionError(
            f"{scheme}: expected a history model, found a model of users; "
            "compress it with float16, dynamic, int8 or int8-qat"
        )


def _tflite(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    if isinstance(model, HistoryModel):
        content = convert_history_tflite(model, scheme)
    else:
        content = convert_tflite(model, items, scheme)
    signatures = {name: _signature(TFLITE_PATH, _ends(name, items)) for name in signatures_of(model)}
    return _converted("tflite", scheme, {TFLITE_PATH: content}, tflite_engines(content), signatures)


def _onnx(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    contents, signatures = {}, {}
    for name in signatures_of(model):
        path = ONNX_PATHS[name]
        if isinstance(model, HistoryModel):
            contents[path] = convert_history_onnx(model, scheme, name)
        else:
            contents[path] = convert_onnx(model, items, scheme, name)
        signatures[name] = _signature(path, _ends(name, items))
    engine = EngineRequirement("onnxruntime", OLDEST_ONNXRUNTIME)
    return _converted("onnx", scheme, contents, (engine,), signatures)


def _tfjs(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    if isinstance(model, HistoryModel):
        files = convert_history_tfjs(model, scheme)
    else:
        files = convert_tfjs(model, items, scheme)
    contents = {TFJS_DIRECTORY + name: content for name, content in files.items()}
    signatures = {name: _signature(TFJS_PATH, _tfjs_ends(name, items)) for name in signatures_of(model)}
    return _converted("tfjs", scheme, contents, (EngineRequirement("tfjs", OLDEST_TFJS),), signatures)


def _converted(
    target: Format,
    scheme: Scheme,
    contents: Mapping[str, bytes],
    engines: tuple[EngineRequirement, ...],
    signatures: Mapping[str, Signature],
) -> Converted:
    artifact = Artifact(
        format=target,
        precision=PRECISIONS[target][scheme],
        files=tuple(file_entry(path, content) for path, content in contents.items()),
        engines=engines,
        signatures=signatures,
        parity=Parity(checked=False, reason="not measured yet"),
    )
    return Converted(artifact, contents)


def _ends(name: str, items: int) -> Ends:
    if name == "catalogue":
        return {"user": 1}, {"scores": items}
    if name == "pairs":
        return {"user": None, "item": None}, {"scores": None}
    if name == "history":
        return {"history": None}, {"scores": items}
    return {"history": None, "item": 1}, {"shares": None}


def _tfjs_ends(name: str, items: int) -> Ends:
    """One graph holds both signatures, so their tensors have different names."""
    inputs, outputs = _ends(name, items)
    if name == "pairs":
        return _prefixed("pair_", inputs), _prefixed("pair_", outputs)
    return (_prefixed("why_", inputs) if name == "why" else inputs), outputs


def _prefixed(prefix: str, sizes: dict[str, int | None]) -> dict[str, int | None]:
    return {prefix + name: size for name, size in sizes.items()}


def _signature(path: str, ends: Ends) -> Signature:
    inputs, outputs = (
        tuple(Tensor(name, dtype, (size,), scale=None, zero_point=None) for name, size in sizes.items())
        for dtype, sizes in zip(("int32", "float32"), ends, strict=True)
    )
    return Signature(path, inputs, outputs)


__all__ = ["TFJS_DIRECTORY", "TFJS_PATH", "Converted", "convert", "file_entry", "signatures_of"]
