"""golden.json: what each artifact answered in its own engine, for devices to replay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.export.answers import Answers
from hanji.export.parity import K, Reference
from hanji.export.tolerances import Tolerance
from hanji.runtime.top_k import top_k
from hanji.training.data import Catalogue

CASES = 8  # users an artifact
OTHERS = 20  # items a user, besides the top k
_FLOATS = ("float32", "float16", "int8-weights")


def replay_tolerance(precision: str, expected: Reference, allowed: Tolerance) -> float:
    """How far a score on a device may be from the one here.

    Float arithmetic differs between processors in its last bits only. Where activations are rounded to
    8 bits, those bits decide now and then between two levels: three times the typical difference then.
    """
    if precision in _FLOATS:
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
    return [
        _case(catalogue, int(user), scores, k, rng)
        for user, scores in zip(expected.users[:CASES], answers.scores, strict=False)
    ]


def _case(
    catalogue: Catalogue, user: int, scores: npt.NDArray[np.float32], k: int, rng: np.random.Generator
) -> dict[str, Any]:
    top = top_k(scores, k).tolist()
    rest = np.setdiff1d(np.arange(len(scores)), top)
    chosen = top + rng.choice(rest, min(OTHERS, len(rest)), replace=False).tolist()
    return {
        "user": catalogue.user_ids[user],
        "top": [catalogue.item_ids[item] for item in top],
        "items": [catalogue.item_ids[item] for item in chosen],
        "scores": [float(str(scores[item])) for item in chosen],  # the shortest number that is this float32
    }


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


__all__ = ["golden_table", "replay_tolerance"]
