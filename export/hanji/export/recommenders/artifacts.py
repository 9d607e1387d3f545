"""One recommender in one format: its files and their manifest entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import tf_keras as keras

from hanji.compression.recommenders.steps import HISTORY_SCHEMES, ROW_BITS, Scheme
from hanji.export.bundle.artifact import (
    ONNX_PATH,
    TFJS_DIRECTORY,
    TFJS_PATH,
    TFLITE_PATH,
    UNMEASURED,
    Converted,
    file_entry,
)
from hanji.export.formats.names import OLDEST_TFJS, Format
from hanji.export.formats.onnx import OLDEST_ONNXRUNTIME
from hanji.export.formats.tflite_runtime import tflite_engines
from hanji.export.recommenders.formats.history_signatures import HISTORY_SIGNATURES
from hanji.export.recommenders.formats.onnx import convert_onnx
from hanji.export.recommenders.formats.onnx_history import convert_history_onnx
from hanji.export.recommenders.formats.signatures import SIGNATURES
from hanji.export.recommenders.formats.tfjs import convert_tfjs
from hanji.export.recommenders.formats.tfjs_history import convert_history_tfjs
from hanji.export.recommenders.formats.tflite import convert_tflite
from hanji.export.recommenders.formats.tflite_history import convert_history_tflite
from hanji.export.recommenders.precision import PRECISIONS
from hanji.runtime.manifest import Artifact, EngineRequirement, Signature, Tensor
from hanji.training.errors import ConversionError
from hanji.training.recommenders.models.history import HistoryModel

Sizes = dict[str, int | None]
"""The length of each input (int32) or output (float32) of a signature, by name; None if it is dynamic."""


class Converter(Protocol):
    """Converts one type of model to each format."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """The model's signatures: first the one for the whole catalogue, then the one for single items."""
        ...

    def tflite(self, scheme: Scheme) -> bytes: ...

    def onnx(self, scheme: Scheme, signature: str) -> bytes: ...

    def tfjs(self, scheme: Scheme) -> Mapping[str, bytes]: ...

    def sizes(self, signature: str) -> tuple[Sizes, Sizes]:
        """The inputs and outputs of a signature."""
        ...


@dataclass(frozen=True)
class UserConverter:
    """Converts a model of users and items."""

    model: keras.Model
    items: int
    signatures: ClassVar = SIGNATURES

    def tflite(self, scheme: Scheme) -> bytes:
        """See Converter."""
        return convert_tflite(self.model, self.items, scheme)

    def onnx(self, scheme: Scheme, signature: str) -> bytes:
        """See Converter."""
        return convert_onnx(self.model, self.items, scheme, signature)

    def tfjs(self, scheme: Scheme) -> Mapping[str, bytes]:
        """See Converter."""
        return convert_tfjs(self.model, self.items, scheme)

    def sizes(self, signature: str) -> tuple[Sizes, Sizes]:
        """See Converter."""
        if signature == "catalogue":
            return {"user": 1}, {"scores": self.items}
        return {"user": None, "item": None}, {"scores": None}


@dataclass(frozen=True)
class HistoryConverter:
    """Converts a history model."""

    model: HistoryModel
    signatures: ClassVar = HISTORY_SIGNATURES

    def tflite(self, scheme: Scheme) -> bytes:
        """See Converter."""
        return convert_history_tflite(self.model, scheme)

    def onnx(self, scheme: Scheme, signature: str) -> bytes:
        """See Converter."""
        return convert_history_onnx(self.model, scheme, signature)

    def tfjs(self, scheme: Scheme) -> Mapping[str, bytes]:
        """See Converter."""
        return convert_history_tfjs(self.model, scheme)

    def sizes(self, signature: str) -> tuple[Sizes, Sizes]:
        """See Converter."""
        if signature == "history":
            return {"history": None}, {"scores": self.model.items}
        return {"history": None, "item": 1}, {"shares": None}


def converter_of(model: keras.Model, items: int, scheme: Scheme) -> Converter:
    """The converter for ``model``; ConversionError if its type does not support the scheme."""
    if isinstance(model, HistoryModel):
        if scheme not in HISTORY_SCHEMES:
            raise ConversionError(
                f"{scheme}: expected a model with user embeddings, found a history model; "
                f"compress it with float16, {' or '.join(ROW_BITS)}"
            )
        return HistoryConverter(model)
    if scheme in ROW_BITS:
        raise ConversionError(
            f"{scheme}: expected a history model, found a model with user embeddings; "
            "compress it with float16, dynamic, int8 or int8-qat"
        )
    return UserConverter(model, items)


def convert(model: keras.Model, items: int, scheme: Scheme, target: Format) -> Converted:
    """Convert ``model``, with a catalogue of ``items`` items, to ``target``; parity is not measured yet.

    Raises ConversionError if the format cannot represent the model, or its type does not support the scheme.
    """
    converter = converter_of(model, items, scheme)
    write = {"tflite": _tflite, "onnx": _onnx, "tfjs": _tfjs}[target]
    return write(converter, scheme)


def _tflite(converter: Converter, scheme: Scheme) -> Converted:
    content = converter.tflite(scheme)
    signatures = {name: _signature(TFLITE_PATH, *converter.sizes(name)) for name in converter.signatures}
    return _converted("tflite", scheme, {TFLITE_PATH: content}, tflite_engines(content), signatures)


def _onnx(converter: Converter, scheme: Scheme) -> Converted:
    """One file per signature: model.onnx for the whole catalogue, and one named after the other signature."""
    contents, signatures = {}, {}
    for name in converter.signatures:
        path = ONNX_PATH if name == converter.signatures[0] else f"{name}.onnx"
        contents[path] = converter.onnx(scheme, name)
        signatures[name] = _signature(path, *converter.sizes(name))
    engine = EngineRequirement("onnxruntime", OLDEST_ONNXRUNTIME)
    return _converted("onnx", scheme, contents, (engine,), signatures)


def _tfjs(converter: Converter, scheme: Scheme) -> Converted:
    contents = {TFJS_DIRECTORY + name: content for name, content in converter.tfjs(scheme).items()}
    signatures = {name: _signature(TFJS_PATH, *_tfjs_sizes(converter, name)) for name in converter.signatures}
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
        parity=UNMEASURED,
    )
    return Converted(artifact, contents)


def _tfjs_sizes(converter: Converter, name: str) -> tuple[Sizes, Sizes]:
    """Both signatures are in one graph, so their tensors need distinct names."""
    inputs, outputs = converter.sizes(name)
    if name == "pairs":
        return _prefixed("pair_", inputs), _prefixed("pair_", outputs)
    return (_prefixed("why_", inputs) if name == "why" else inputs), outputs


def _prefixed(prefix: str, sizes: Sizes) -> Sizes:
    return {prefix + name: size for name, size in sizes.items()}


def _signature(path: str, inputs: Sizes, outputs: Sizes) -> Signature:
    tensors = (
        tuple(Tensor(name, dtype, (size,), scale=None, zero_point=None) for name, size in sizes.items())
        for dtype, sizes in (("int32", inputs), ("float32", outputs))
    )
    return Signature(path, *tensors)


__all__ = ["Converter", "HistoryConverter", "UserConverter", "convert", "converter_of"]
