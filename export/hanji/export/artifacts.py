"""One model in one format: its files, and what the manifest says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import tf_keras as keras

from hanji.compression.steps import Scheme
from hanji.export.config import Format
from hanji.export.onnx import OLDEST_ONNXRUNTIME, convert_onnx
from hanji.export.precision import PRECISIONS
from hanji.export.signatures import SIGNATURES
from hanji.export.tfjs import OLDEST_TFJS, convert_tfjs
from hanji.export.tflite import FIRST_LITERT, convert_tflite, oldest_litert
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import Artifact, EngineRequirement, FileEntry, Parity, Signature, Tensor

ONNX_PATHS = {"catalogue": "model.onnx", "pairs": "pairs.onnx"}
TFLITE_PATH = "model.tflite"
TFJS_DIRECTORY = "tfjs/"
TFJS_PAIRS_PREFIX = "pair_"  # one graph holds both signatures, so their tensors have different names


@dataclass(frozen=True)
class Converted:
    """An artifact and the content of its files, by their path in the bundle."""

    artifact: Artifact
    contents: Mapping[str, bytes]


def convert(model: keras.Model, items: int, scheme: Scheme, target: Format) -> Converted:
    """``model`` over a catalogue of ``items`` items in the format ``target``; its parity is not measured yet.

    Raises ConversionError where the format cannot hold the model.
    """
    if target == "tflite":
        return _tflite(model, items, scheme)
    if target == "onnx":
        return _onnx(model, items, scheme)
    return _tfjs(model, items, scheme)


def file_entry(path: str, content: bytes) -> FileEntry:
    """The manifest's entry of a file."""
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


def _tflite(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    content = convert_tflite(model, items, scheme)
    oldest = oldest_litert(content, installed_version("ai-edge-litert") or FIRST_LITERT)
    signatures = {name: _signature(name, TFLITE_PATH, items) for name in SIGNATURES}
    return _converted(
        "tflite", scheme, {TFLITE_PATH: content}, EngineRequirement("litert", oldest), signatures
    )


def _onnx(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    contents = {path: convert_onnx(model, items, scheme, name) for name, path in ONNX_PATHS.items()}
    signatures = {name: _signature(name, path, items) for name, path in ONNX_PATHS.items()}
    engine = EngineRequirement("onnxruntime", OLDEST_ONNXRUNTIME)
    return _converted("onnx", scheme, contents, engine, signatures)


def _tfjs(model: keras.Model, items: int, scheme: Scheme) -> Converted:
    files = convert_tfjs(model, items, scheme)
    contents = {TFJS_DIRECTORY + name: content for name, content in files.items()}
    path = TFJS_DIRECTORY + "model.json"
    signatures = {
        "catalogue": _signature("catalogue", path, items),
        "pairs": _signature("pairs", path, items, prefix=TFJS_PAIRS_PREFIX),
    }
    return _converted("tfjs", scheme, contents, EngineRequirement("tfjs", OLDEST_TFJS), signatures)


def _converted(
    target: Format,
    scheme: Scheme,
    contents: Mapping[str, bytes],
    engine: EngineRequirement,
    signatures: Mapping[str, Signature],
) -> Converted:
    artifact = Artifact(
        format=target,
        precision=PRECISIONS[target][scheme],
        files=tuple(file_entry(path, content) for path, content in contents.items()),
        engines=(engine,),
        signatures=signatures,
        parity=Parity(checked=False, reason="not measured yet"),
    )
    return Converted(artifact, contents)


def _signature(name: str, path: str, items: int, *, prefix: str = "") -> Signature:
    if name == "catalogue":
        return Signature(path, (_tensor("user", "int32", 1),), (_tensor("scores", "float32", items),))
    ids = tuple(_tensor(prefix + side, "int32", None) for side in ("user", "item"))
    return Signature(path, ids, (_tensor(prefix + "scores", "float32", None),))


def _tensor(name: str, dtype: str, size: int | None) -> Tensor:
    return Tensor(name, dtype, (size,), scale=None, zero_point=None)


__all__ = ["TFJS_DIRECTORY", "TFJS_PAIRS_PREFIX", "Converted", "convert", "file_entry"]
