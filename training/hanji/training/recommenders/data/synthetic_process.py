"""The process that generates the interactions of the synthetic catalogue: long-term tastes, and an order.

Every item belongs to one or two latent tastes (its genres), every user prefers a few, and within a taste some
items are far more popular than others:

    p(item | user) = sum over tastes of  weight(user, taste) * share(taste, item)

The items of each first genre form a sequence, one genre after the other in a ring. A user's first item is
drawn from p. Each further one is drawn

- with the probability ``order`` from the SUCCESSORS items that follow the user's last item in the sequence,
  the nearest being the most likely: a sequel, the next one of a series;
- otherwise, or if the user has had all of these, from p,

both without replacement: no user has an item twice. Hence the chance of each item to be the next one is
known, given the items so far and which of them was the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.interactions import Interactions

Floats = NDArray[np.float64]

GENRES = (
    "Adventure",
    "Comedy",
    "Crime",
    "Drama",
    "Family",
    "Fantasy",
    "Mystery",
    "Romance",
    "Science Fiction",
    "Thriller",
)
"""One per taste."""

SUCCESSORS = 4
"""Items that can follow an item in the sequence."""

USER_BATCH = 512
"""Users that are drawn or scored at once, to limit the memory."""

_FALLING = 0.5 ** np.arange(1, SUCCESSORS + 1)  # weights of the successors, the nearest first
_CONCENTRATION = 0.05  # of the Dirichlet prior of the users' tastes: most users have one to three
_SECOND_GENRE = 0.4  # the largest share of an item's second genre
_BASE_APPEAL = 0.01  # the part of an item's appeal that does not depend on tastes
_POPULAR_SHARE, _POPULAR_STEEPNESS = 0.15, 3.0  # popularity falls as (1 + rank / (0.15 items)) ** -3
_LOG_DEVIATION = 0.35  # standard deviation of the log of the interactions per user


@dataclass(frozen=True)
class Process:
    """The generating process.

    ``weights`` float64 [users, tastes], ``shares`` float64 [tastes, items], ``order`` the probability that an
    interaction follows from the last one, ``successors`` int64 [items, SUCCESSORS].
    """

    weights: Floats
    shares: Floats
    order: float
    successors: NDArray[np.int64]

    def next_items(
        self, users: NDArray[np.int64], seen: NDArray[np.bool_], last: NDArray[np.int64]
    ) -> Floats:
        """The probability of each item to be the next one of each user, float64 [n, items].

        ``users`` int64 [n], ``seen`` bool [n, items] marks the items so far, of which ``last`` int64 [n] is
        the last one.
        """
        taste: Floats = np.where(seen, 0.0, self.weights[users] @ self.shares)
        follow = np.zeros(seen.shape)
        np.put_along_axis(follow, self.successors[last], _FALLING, axis=1)
        follow[seen] = 0.0
        total = follow.sum(axis=1, keepdims=True)
        chance = self.order * (total > 0.0)
        taste *= (1.0 - chance) / taste.sum(axis=1, keepdims=True)
        follow *= chance / np.where(total > 0.0, total, 1.0)
        return taste + follow


def draw_process(config: DataConfig, rng: np.random.Generator) -> tuple[Process, list[tuple[str, ...]]]:
    """The process of the catalogue with this size and seed, and the genres of each item."""
    tastes, items = len(GENRES), config.synthetic_items
    first, second = rng.integers(0, tastes, size=(2, items))
    second_part = rng.uniform(0, _SECOND_GENRE, items)
    affinity = np.full((tastes, items), _BASE_APPEAL / tastes)
    affinity[first, np.arange(items)] += 1 - second_part
    affinity[second, np.arange(items)] += second_part
    rank = rng.permutation(items)
    appeal = affinity * (1 + rank / (_POPULAR_SHARE * items)) ** -_POPULAR_STEEPNESS
    shares = appeal / appeal.sum(axis=1, keepdims=True)
    weights = rng.dirichlet(np.full(tastes, _CONCENTRATION), config.synthetic_users)
    genres: list[tuple[str, ...]] = [
        (GENRES[one],) if one == two or part < _SECOND_GENRE / 2 else (GENRES[one], GENRES[two])
        for one, two, part in zip(first, second, second_part, strict=True)
    ]
    return Process(weights, shares, config.synthetic_order, _successors(first, _order_rng(config))), genres


def draw_interactions(process: Process, config: DataConfig, rng: np.random.Generator) -> Interactions:
    """Each user's items in the order they were drawn; the time is the position in that order."""
    mean = config.synthetic_interactions_per_user
    drawn = mean * rng.lognormal(-(_LOG_DEVIATION**2) / 2, _LOG_DEVIATION, config.synthetic_users)
    counts = np.clip(np.rint(drawn).astype(np.int64), 2, 3 * mean)
    items = np.concatenate(list(_draw_items(process, counts, rng, _order_rng(config, 1))))
    users = np.repeat(np.arange(config.synthetic_users), counts)
    first = np.cumsum(counts) - counts
    times = np.arange(len(items)) - np.repeat(first, counts)
    return Interactions(users.astype(np.int32), items.astype(np.int32), times.astype(np.int64))


def _order_rng(config: DataConfig, part: int = 0) -> np.random.Generator:
    """Random numbers of the order alone, so that all others do not depend on it."""
    return np.random.default_rng([config.seed, 7, part])


def _successors(first: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The items that follow each item in the ring of all genres, the nearest first; ``first`` [items]."""
    items = len(first)
    ring = np.lexsort((rng.permutation(items), first))
    place = np.empty(items, np.int64)
    place[ring] = np.arange(items)
    return np.asarray(ring[(place[:, None] + np.arange(1, SUCCESSORS + 1)) % items])


def _draw_items(
    process: Process, counts: NDArray[np.int64], rng: np.random.Generator, order_rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """The items of the users in turn, in batches of users.

    Sorting by log p plus Gumbel noise gives the order of draws from p without replacement. Items that were
    taken as successors are skipped in it: what remains is still ordered as by draws from the rest.
    """
    for start in range(0, len(counts), USER_BATCH):
        batch = slice(start, start + USER_BATCH)
        log_p = np.log(process.weights[batch] @ process.shares)
        by_taste = np.argsort(-(log_p + rng.gumbel(size=log_p.shape)), axis=1)
        walks = _walks(process, by_taste, int(counts[batch].max()), order_rng)
        yield walks[np.arange(walks.shape[1]) < counts[batch, None]]


def _walks(
    process: Process, by_taste: NDArray[np.int64], length: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The first ``length`` items of each user, int64 [users, length]; ``by_taste`` [users, items] are the
    draws from p."""
    users = np.arange(len(by_taste))
    seen = np.zeros(by_taste.shape, np.bool_)
    walks = np.empty((len(users), length), np.int64)
    drawn = np.zeros(len(users), np.int64)
    follows = rng.random(walks.shape) < process.order
    noise = np.log(_FALLING) + rng.gumbel(size=(*walks.shape, SUCCESSORS))
    for step in range(length):
        while (skipped := seen[users, by_taste[users, drawn]]).any():
            drawn += skipped
        walks[:, step] = by_taste[users, drawn]
        if step:
            after = process.successors[walks[:, step - 1]]
            free = ~seen[users[:, None], after]
            chosen = np.where(free, noise[:, step], -np.inf).argmax(axis=1)
            following = follows[:, step] & free.any(axis=1)
            walks[following, step] = after[following, chosen[following]]
        seen[users, walks[:, step]] = True
    return walks


__all__ = ["GENRES", "SUCCESSORS", "USER_BATCH", "Process", "draw_interactions", "draw_process"]
