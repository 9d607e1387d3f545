"""golden.json of a recommender: the outputs of each artifact in its engine, for devices to replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hanji.export.bundle.queries import Outputs, Query, Scores
from hanji.export.recommenders.expected_outputs import Reference
from hanji.export.recommenders.parity import K
from hanji.export.recommenders.tolerances import Tolerance
from hanji.runtime.manifest import Artifact
from hanji.runtime.top_k import top_k
from hanji.training.recommenders.data import Catalogue

CASES = 8  # users or histories per artifact
OTHERS = 20  # items per case, in addition to the top k
_FLOAT_PRECISIONS = ("float32", "float16", "int8-weights")
_ROW_PRECISIONS = ("int8-rows", "int4-rows")


def replay_tolerance(artifact: Artifact, expected: Reference, allowed: Tolerance) -> float:
    """How far a score on a device may deviate from the one in golden.json.

    Float arithmetic differs between processors in the last bits only. With activations quantized to 8 bits,
    those bits occasionally decide between two levels; the tolerance is then three times the typical
    difference.
    """
    float_arithmetic = artifact.precision in _FLOAT_PRECISIONS or (
        artifact.precision in _ROW_PRECISIONS and artifact.format != "tflite"  # quantizes the user vector
    )
    if float_arithmetic:
        return _rounded(1e-4 * max(expected.spread, 0.1 * float(np.abs(expected.scores).max())))
    return _rounded(3 * allowed.typical * expected.spread)


def golden_table(
    catalogue: Catalogue, expected: Reference, replays: Mapping[str, tuple[Outputs, float]]
) -> dict[str, Any]:
    """The content of golden.json; ``replays`` maps each format to its outputs and tolerance."""
    k = min(K, catalogue.items)
    artifacts = {
        name: {"tolerance": tolerance, "cases": _cases(catalogue, expected, outputs, k)}
        for name, (outputs, tolerance) in replays.items()
    }
    return {"k": k, "artifacts": artifacts}


def _cases(catalogue: Catalogue, expected: Reference, outputs: Outputs, k: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    count = len(expected.queries)
    cases = [
        {**_input(catalogue, query), **_ranking(catalogue, scores, k, rng)}
        for query, scores in zip(expected.queries[:CASES], outputs.scores, strict=False)
    ]
    if expected.shares:
        details = zip(cases, expected.detail_queries, outputs.scores[count:], strict=False)
        return [{**case, "why": _why(catalogue, query, shares)} for case, query, shares in details]
    return cases


def _input(catalogue: Catalogue, query: Query) -> dict[str, Any]:
    if query.signature == "catalogue":
        return {"user": catalogue.user_ids[query.inputs["user"][0]]}
    return {"history": [catalogue.item_ids[item] for item in query.inputs["history"]]}


def _ranking(catalogue: Catalogue, scores: Scores, k: int, rng: np.random.Generator) -> dict[str, Any]:
    top = top_k(scores, k).tolist()
    rest = np.setdiff1d(np.arange(len(scores)), top)
    chosen = top + rng.choice(rest, min(OTHERS, len(rest)), replace=False).tolist()
    return {
        "top": [catalogue.item_ids[item] for item in top],
        "items": [catalogue.item_ids[item] for item in chosen],
        "scores": _numbers(scores[chosen]),
    }


def _why(catalogue: Catalogue, query: Query, shares: Scores) -> dict[str, Any]:
    return {"item": catalogue.item_ids[query.inputs["item"][0]], "shares": _numbers(shares)}


def _numbers(values: Scores) -> list[float]:
    return [float(str(value)) for value in values]  # shortest decimal of the float32


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


__all__ = ["golden_table", "replay_tolerance"]
