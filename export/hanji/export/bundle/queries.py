"""Runs an artifact in the engine it targets: LiteRT, ONNX Runtime, or TF.js in Node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.bundle.artifact import TFJS_DIRECTORY, Converted
from hanji.export.bundle.engines import open_engine
from hanji.export.formats.tfjs_node import TfjsCall, find_tfjs

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Query:
    """A signature and its inputs: int32 vectors named ``user``, ``history`` and ``item``, or an image uint8
    [1, h, w, c] named ``image``."""

    signature: str
    inputs: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Outputs:
    """A vector of scores, shares or probabilities per query, and the name and version of the engine."""

    engine: str
    scores: tuple[Scores, ...]


def run_queries(converted: Converted, queries: Sequence[Query]) -> Outputs:
    """Run the artifact on each query, on one thread.

    Raises EngineError if the engine is missing, ConversionError or EngineError if it rejects the model.
    """
    if converted.artifact.format == "tfjs":
        return _run_tfjs(converted, queries)
    engine, name = open_engine(converted.artifact, converted.contents)
    scores = tuple(engine.run(query.signature, query.inputs).ravel() for query in queries)
    return Outputs(name, scores)


def _run_tfjs(converted: Converted, queries: Sequence[Query]) -> Outputs:
    files = {path.removeprefix(TFJS_DIRECTORY): content for path, content in converted.contents.items()}
    found = find_tfjs().run(files, [_tfjs_call(converted, query) for query in queries])
    return Outputs(f"tfjs {found.version} (wasm)", found.outputs)


def _tfjs_call(converted: Converted, query: Query) -> TfjsCall:
    """The query with the tensor names of the graph, which holds all signatures."""
    signature = converted.artifact.signatures[query.signature]
    names = [tensor.name for tensor in signature.inputs]
    return TfjsCall(dict(zip(names, query.inputs.values(), strict=True)), signature.outputs[0].name)


__all__ = ["Outputs", "Query", "Scores", "run_queries"]
