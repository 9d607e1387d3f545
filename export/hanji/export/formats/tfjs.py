"""Writes the files of a TF.js graph model: ``model.json`` and weight shards.

TF.js computes in float32 whatever dtype the weights are stored in.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import json_format

from hanji.export.formats.fake_quant import Grid
from hanji.export.formats.tfjs_graph import FrozenGraph, Shape, Weight, dtype_in_tfjs
from hanji.export.formats.weights import should_quantize, should_store_float16, symmetric_int8

LARGEST_SHARD_BYTES = 4 * 2**20  # browsers reliably cache files up to this size


def graph_model(graph: FrozenGraph, scheme: str) -> dict[str, bytes]:
    """The files of ``graph``, with weights stored as ``scheme`` specifies."""
    stored = [_stored(weight, scheme) for weight in graph.weights]
    content = b"".join(data for _, data in stored)
    cuts = range(0, len(content), LARGEST_SHARD_BYTES)
    shards = {
        f"group1-shard{number}of{len(cuts)}.bin": content[start : start + LARGEST_SHARD_BYTES]
        for number, start in enumerate(cuts, start=1)
    }
    manifest = [{"paths": list(shards), "weights": [entry for entry, _ in stored]}]
    return {"model.json": _model_json(graph, manifest), **shards}


def _model_json(graph: FrozenGraph, manifest: list[dict[str, Any]]) -> bytes:
    model = {
        "format": "graph-model",
        "generatedBy": "hanji",
        "convertedBy": "hanji",
        "signature": {
            "inputs": {name: _tensor_info(name, "DT_INT32", shape) for name, shape in graph.inputs.items()},
            "outputs": {name: _tensor_info(name, "DT_FLOAT", shape) for name, shape in graph.outputs.items()},
        },
        "modelTopology": {
            "node": [json_format.MessageToDict(node) for node in graph.nodes],
            "library": {},
            "versions": {"producer": graph.producer},
        },
        "weightsManifest": manifest,
    }
    return (json.dumps(model, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _tensor_info(name: str, dtype: str, shape: Shape) -> dict[str, Any]:
    sizes = [{"size": "-1" if size is None else str(size)} for size in shape]
    return {"name": f"{name}:0", "dtype": dtype, "tensorShape": {"dim": sizes}}


def _stored(weight: Weight, scheme: str) -> tuple[dict[str, Any], bytes]:
    """The entry of one weight in the weights manifest, and its bytes."""
    values = weight.values
    entry = {"name": weight.name, "shape": list(values.shape), "dtype": np.dtype(dtype_in_tfjs(values)).name}
    if weight.grid is not None and weight.grid.last < 256:
        quantized = np.rint(values / weight.grid.scale) + weight.grid.zero_point
        return _as_uint8(entry, quantized, weight.grid)
    if scheme == "dynamic" and should_quantize(values):
        signed, scale = symmetric_int8(values)
        return _as_uint8(entry, signed + 127.0, Grid(scale, zero_point=127, first=0, last=254))
    if values.dtype == np.float16 or should_store_float16(values, scheme):
        return {**entry, "quantization": {"dtype": "float16"}}, values.astype("<f2").tobytes()
    return entry, values.astype(values.dtype.newbyteorder("<")).tobytes()


def _as_uint8(entry: dict[str, Any], quantized: npt.NDArray[Any], grid: Grid) -> tuple[dict[str, Any], bytes]:
    # TF.js computes q · scale + min in 64 bits and rounds once: exactly (q - zero_point) · scale.
    quantization = {"dtype": "uint8", "scale": grid.scale, "min": -grid.zero_point * grid.scale}
    return {**entry, "quantization": quantization}, quantized.astype(np.uint8).tobytes()


__all__ = ["LARGEST_SHARD_BYTES", "graph_model"]
