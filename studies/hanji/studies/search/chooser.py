"""Proposals for the next recipe to train by TPE.

Tree-structured Parzen estimators (Bergstra et al. 2011) over the space's axes, by Optuna, with constraints as
in Watanabe and Hutter 2023. For each proposal the Optuna study is rebuilt in memory from all observations,
with a sampler seeded by the search's seed and the number of observations. So a resumed search makes the same
proposals as an uninterrupted one, and no Optuna file is needed.
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
"""Proposals of TPE until one is an open recipe; after that, the first open one is chosen."""


@dataclass(frozen=True)
class Observation:
    """The result of a recipe: ``value`` (higher is better; None if it was not trained) and its relative
    excess over each limit, not positive within the limit."""

    choice: Choice
    value: float | None
    excess: Mapping[str, float]


def propose(
    axes: Mapping[str, Sequence[str]],
    observations: Sequence[Observation],
    still_open: Sequence[Choice],
    seed: int,
) -> Choice:
    """TPE's proposal among ``still_open``, which are in the order of preference."""
    with _quiet():
        state = np.random.SeedSequence([seed, len(observations)]).generate_state(1)
        sampler = optuna.samplers.TPESampler(seed=int(state[0]), n_startup_trials=1, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        distributions = {name: CategoricalDistribution(tuple(labels)) for name, labels in axes.items()}
        study.add_trials([_trial(observation, distributions) for observation in observations])
        for _ in range(_PROPOSALS):
            proposal = dict(study.ask(dict(distributions)).params)
            if proposal in still_open:
                return proposal
    return still_open[0]


def _trial(observation: Observation, distributions: Mapping[str, CategoricalDistribution]) -> FrozenTrial:
    return create_trial(
        state=TrialState.PRUNED if observation.value is None else TrialState.COMPLETE,
        value=observation.value,
        params=dict(observation.choice),
        distributions=dict(distributions),
        constraints=dict(observation.excess),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress Optuna's log line for every study."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


__all__ = ["Choice", "Observation", "propose"]
