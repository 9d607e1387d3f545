"""Calls of a recommender and of its bare engine, to be timed in one interleaved run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from hanji.runtime.benchmarks.measuring import Call
from hanji.runtime.ids import ExternalId
from hanji.runtime.recommender import Recommender

SHORTEST_AND_LONGEST = (5, 200)
"""Lengths of the histories, in items."""


def queries(recommender: Recommender, count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """Keyword arguments for ``count`` calls of ``recommend``, and a description of them."""
    if recommender.users is None:
        return histories(recommender.items.ids.values, count, seed)
    return _users(recommender.users.values, count, seed)


def rounds(recommender: Recommender, inputs: Sequence[dict[str, Any]], k: int) -> Iterator[tuple[Call, ...]]:
    """One round per query: recommend() and the bare engine call, set up right before they are timed."""
    for query in inputs:
        engine_call = recommender.engine_call(**query)  # runs the engine once: the timed calls are warm
        yield partial(recommender.recommend, **query, k=k), engine_call


def histories(ids: Sequence[ExternalId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    """Random histories over the items ``ids``, and a description of them.

    Each has 5 to 200 items, but at most half the catalogue; lengths are log-uniform, items uniform.
    """
    rng = np.random.default_rng(seed)
    shortest, longest = (max(1, min(length, len(ids) // 2)) for length in SHORTEST_AND_LONGEST)
    lengths = np.exp(rng.uniform(math.log(shortest), math.log(longest), count)).round().astype(int)
    drawn = [rng.choice(len(ids), length, replace=False).tolist() for length in lengths]
    inputs = [{"history": [ids[index] for index in indices]} for indices in drawn]
    return inputs, f"a history of {shortest} to {longest} items"


def _users(ids: Sequence[ExternalId], count: int, seed: int) -> tuple[list[dict[str, Any]], str]:
    drawn = np.random.default_rng(seed).integers(0, len(ids), count).tolist()
    return [{"user": ids[index]} for index in drawn], "a user"
