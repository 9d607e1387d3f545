"""Which recipe is to be tried next: the largest that may fit first, then what TPE proposes.

Tree-structured Parzen estimators (Bergstra et al. 2011) over the space's axes, by Optuna, with constraints
as in Watanabe and Hutter 2023. The study is made anew from what is known each time, in memory, and its
sampler is seeded by the search's seed and by how much is known. So a search that goes on proposes what it
would have proposed without the interruption, and no file of Optuna's has to be trusted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

Choice = Mapping[str, str]

_PROPOSALS = 64
"""TPE is asked so often for a recipe that is still open, then the first open one is taken."""


@dataclass(frozen=True)
class Known:
    """What a recipe came to: ``value`` (more is better; None if it was not trained) and how far beyond each
    bound it is, as a fraction of the bound; not positive where it keeps it."""

    choice: Choice
    value: float | None
    excess: Mapping[str, float]


def proposed(
    axes: Mapping[str, Sequence[str]], known: Sequence[Known], still_open: Sequence[Choice], seed: int
) -> Choice:
    """One of ``still_open``, the one that TPE thinks most of; they stand in the order of preference."""
    with _quietly():
        spread = np.random.SeedSequence([seed, len(known)]).generate_state(1)
        sampler = optuna.samplers.TPESampler(seed=int(spread[0]), n_startup_trials=1, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        distributions = {name: CategoricalDistribution(tuple(labels)) for name, labels in axes.items()}
        study.add_trials([_trial(one, distributions) for one in known])
        for _ in range(_PROPOSALS):
            asked = dict(study.ask(dict(distributions)).params)
            if asked in still_open:
                return asked
    return still_open[0]


def _trial(known: Known, distributions: Mapping[str, CategoricalDistribution]) -> FrozenTrial:
    return create_trial(
        state=TrialState.PRUNED if known.value is None else TrialState.COMPLETE,
        value=known.value,
        params=dict(known.choice),
        distributions=dict(distributions),
        constraints=dict(known.excess),
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Optuna tells of every study that it makes."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


__all__ = ["Choice", "Known", "proposed"]
