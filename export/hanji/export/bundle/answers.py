"""Asks an artifact in the engine that it will meet: LiteRT, ONNX Runtime, or TF.js in Node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.bundle.artifact import TFJS_DIRECTORY, Converted
from hanji.export.formats.tfjs_node import TfjsCall, find_tfjs
from hanji.runtime.engines.choice import ENGINE_KINDS, Choice, create_engine
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.errors import EngineError

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """A signature and its inputs: int32 vectors under the names ``user``, ``history`` and ``item``, or a
    picture uint8 [1, h, w, c] under the name ``image``."""

    signature: str
    inputs: Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Answers:
    """A vector of scores, shares or probabilities for each question, and the engine, with version, that gave
    them."""

    engine: str
    scores: tuple[Scores, ...]


def ask(converted: Converted, questions: Sequence[Question]) -> Answers:
    """The artifact's answers, on one thread.

    Raises EngineError where the engine is missing, ConversionError or EngineError where it refuses the model.
    """
    if converted.artifact.format == "tfjs":
        return _ask_tfjs(converted, questions)
    name = converted.artifact.engines[0].name
    kind = next(kind for kind in ENGINE_KINDS if kind.name == name)
    version = installed_version(kind.distribution)
    if version is None:
        raise EngineError(f"{kind.distribution} is not installed; try: pip install {kind.distribution}")
    engine = create_engine(Choice(kind, version, converted.artifact), converted.contents, threads=1)
    scores = tuple(engine.run(question.signature, question.inputs).ravel() for question in questions)
    return Answers(f"{kind.distribution} {version}", scores)


def _ask_tfjs(converted: Converted, questions: Sequence[Question]) -> Answers:
    files = {path.removeprefix(TFJS_DIRECTORY): content for path, content in converted.contents.items()}
    answers = find_tfjs().run(files, [_tfjs_call(converted, question) for question in questions])
    return Answers(f"tfjs {answers.version} (wasm)", answers.outputs)


def _tfjs_call(converted: Converted, question: Question) -> TfjsCall:
    """The question under the names that its tensors have in the one graph."""
    signature = converted.artifact.signatures[question.signature]
    names = [tensor.name for tensor in signature.inputs]
    return TfjsCall(dict(zip(names, question.inputs.values(), strict=True)), signature.outputs[0].name)


__all__ = ["Answers", "Question", "Scores", "ask"]
