"""golden.json: what each artifact answered in its own engine, for devices to replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hanji.export.bundle.answers import Answers, Question, Scores
from hanji.export.recommenders.expected_outputs import Reference
from hanji.export.recommenders.parity import K
from hanji.export.recommenders.tolerances import Tolerance
from hanji.runtime.manifest import Artifact
from hanji.runtime.top_k import top_k
from hanji.training.recommenders.data import Catalogue

CASES = 8  # users or histories an artifact
OTHERS = 20  # items a case, besides the top k
_FLOATS = ("float32", "float16", "int8-weights")
_ROWS = ("int8-rows", "int4-rows")


def replay_tolerance(artifact: Artifact, expected: Reference, allowed: Tolerance) -> float:
    """How far a score on a device may be from the one here.

    Float arithmetic differs between processors in its last bits only. Where activations are rounded to
    8 bits, those bits decide now and then between two levels: three times the typical difference then.
    """
    in_floats = artifact.precision in _FLOATS or (
        artifact.precision in _ROWS and artifact.format != "tflite"  # which rounds the user vector
    )
    if in_floats:
        return _rounded(1e-4 * max(expected.spread, 0.1 * float(np.abs(expected.scores).max())))
    return _rounded(3 * allowed.typical * expected.spread)


def golden_table(
    catalogue: Catalogue, expected: Reference, replays: Mapping[str, tuple[Answers, float]]
) -> dict[str, Any]:
    """The content of golden.json; ``replays`` holds, by format, the answers and the tolerance."""
    k = min(K, catalogue.items)
    artifacts = {
        name: {"tolerance": tolerance, "cases": _cases(catalogue, expected, answers, k)}
        for name, (answers, tolerance) in replays.items()
    }
    return {"k": k, "artifacts": artifacts}


def _cases(catalogue: Catalogue, expected: Reference, answers: Answers, k: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    count = len(expected.questions)
    cases = [
        {**_asker(catalogue, question), **_answer(catalogue, scores, k, rng)}
        for question, scores in zip(expected.questions[:CASES], answers.scores, strict=False)
    ]
    if expected.shares:
        details = zip(cases, expected.details, answers.scores[count:], strict=False)
        return [{**case, "why": _why(catalogue, question, shares)} for case, question, shares in details]
    return cases


def _asker(catalogue: Catalogue, question: Question) -> dict[str, Any]:
    if question.signature == "catalogue":
        return {"user": catalogue.user_ids[question.inputs["user"][0]]}
    return {"history": [catalogue.item_ids[item] for item in question.inputs["history"]]}


def _answer(catalogue: Catalogue, scores: Scores, k: int, rng: np.random.Generator) -> dict[str, Any]:
    top = top_k(scores, k).tolist()
    rest = np.setdiff1d(np.arange(len(scores)), top)
    chosen = top + rng.choice(rest, min(OTHERS, len(rest)), replace=False).tolist()
    return {
        "top": [catalogue.item_ids[item] for item in top],
        "items": [catalogue.item_ids[item] for item in chosen],
        "scores": _numbers(scores[chosen]),
    }


def _why(catalogue: Catalogue, question: Question, shares: Scores) -> dict[str, Any]:
    return {"item": catalogue.item_ids[question.inputs["item"][0]], "shares": _numbers(shares)}


def _numbers(values: Scores) -> list[float]:
    return [float(str(value)) for value in values]  # the shortest number that is this float32


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


__all__ = ["golden_table", "replay_tolerance"]
