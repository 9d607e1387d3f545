"""A catalogue made from a seed, with a structure that a model can find and a best result that is known.

Every item leans to one taste (its genre) or two, every user to a few, and within a taste some items are
far more popular than others:

    p(item | user) = sum over tastes of  weight(user, taste) * share(taste, item)

A user's interactions are drawn from that one after the other, without replacement; the last is held out
for the test.

Why the best HR@10 is known: given the earlier interactions, the held-out item is drawn with probability
proportional to p(item | user) among the items not yet taken. The 99 negatives are a uniform choice from
the items that the user never took, so that whichever candidate is the held-out one, the other 99 were
equally likely to be chosen beside it. Hence the chance that a candidate is the held-out one is
proportional to its p(item | user), and no ranking can expect more hits in its first ten than the one by
the true p. `best_hr_at_10` is the HR@10 of that ranking on the very test rows. A model knows less, but
may still pass it by a hair: with 2,000 test rows luck is worth about 0.01.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Interactions, LeaveOneOut, catalogue_from
from hanji.training.recommenders.data.quality import QualityReport
from hanji.training.recommenders.data.raw import ItemText
from hanji.training.recommenders.data.split import leave_one_out

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
"""One for each taste."""

_ADJECTIVES = """
    Amber Borrowed Bright Clockwork Copper Crooked Distant Drifting Eleventh Faded Folded Forgotten Frozen
    Gentle Gilded Hollow Hidden Honest Idle Invisible Ivory Last Lonely Lucky Midnight Narrow Northern
    Painted Paper Patient Quiet Restless Salted Scarlet Second Secret Silver Sleeping Stolen Stubborn
    Sunken Unwritten Velvet Wandering Winter Wooden
"""

_NOUNS = """
    Almanac Apprentice Archive Astronomer Atlas Balcony Beekeeper Bridge Cartographer Cathedral Circus
    Clockmaker Compass Conductor Corridor Detective Ferryman Garden Gardener Harbour Harvest Island Kite
    Lantern Letter Library Lighthouse Locksmith Messenger Mirror Observatory Orchard Orchestra Parade
    Passenger Pilot Postman Promise River Sailor Season Signal Smuggler Staircase Station Stranger Tailor
    Telegram Theatre Tower Umbrella Understudy Violinist Voyage Waltz Watchman
"""

_PLACES = """
    Aldermoor Birchhollow Cinderbay Dunmere Elleryfalls Fenwold Greyhaven Harrowpoint Junipervale
    Kestrelhill Larkspur Marlowbridge Nettlecreek Ormondgate Pellham Quarryfield Rookwood Saltmarsh
    Thistledown Upperwren Vespervale Willowmere
"""

_FIRST_YEAR, _LAST_YEAR = 1948, 2019

_LICENCE = "synthetic: made by hanji from a seed, nobody's data, free to use"
_CONCENTRATION = 0.05  # of the users' tastes: most users have one to three
_SECOND_GENRE = 0.4  # the largest share of an item's second genre
_ANYONE = 0.01  # the part of an item's appeal that no taste explains
_POPULAR_SHARE, _POPULAR_STEEPNESS = 0.15, 3.0  # popularity falls as (1 + rank / (0.15 items)) ** -3
_SPREAD = 0.35  # of the log of the interactions per user
_USERS_AT_ONCE = 512


@dataclass(frozen=True)
class Truth:
    """What the data was drawn from: `weights` float64[users, tastes] and `shares` float64[tastes, items]."""

    weights: Floats
    shares: Floats

    def probabilities(self, users: NDArray[np.int32], items: NDArray[np.int32]) -> Floats:
        """p(item | user) for `users` int[n] and `items` int[n, m]: float64[n, m]."""
        total = np.zeros(items.shape)
        for weight, share in zip(self.weights[users].T, self.shares, strict=True):
            total += weight[:, None] * share[items]
        return total


def make_synthetic(config: DataConfig) -> Dataset:
    """The synthetic dataset of this size and seed, the same on every call."""
    rng = np.random.default_rng([config.seed, 0])
    truth, genres = _draw_truth(config, rng)
    interactions = _draw_interactions(truth, config, rng)
    user_ids = np.arange(1, config.synthetic_users + 1)
    item_ids = np.arange(1, config.synthetic_items + 1)
    split = leave_one_out(interactions, user_ids, len(item_ids), config.seed)
    titles = make_titles(len(item_ids), rng)
    texts = dict(zip(map(str, item_ids.tolist()), map(ItemText, titles, genres), strict=True))
    catalogue = catalogue_from(user_ids, item_ids, texts, split.train)
    return Dataset(
        name=config.name,
        format="synthetic",
        synthetic=True,
        licence=_LICENCE,
        catalogue=catalogue,
        train=split.train,
        test=split.test,
        quality=QualityReport(lines_read=len(interactions), unseen_returned=split.unseen_returned),
        config=config,
        best_hr_at_10=_best_hr_at_10(truth, split.test, np.array(catalogue.popularity)),
    )


def _draw_truth(config: DataConfig, rng: np.random.Generator) -> tuple[Truth, list[tuple[str, ...]]]:
    tastes, items = len(GENRES), config.synthetic_items
    first, second = rng.integers(0, tastes, size=(2, items))
    second_part = rng.uniform(0, _SECOND_GENRE, items)
    lean = np.full((tastes, items), _ANYONE / tastes)
    lean[first, np.arange(items)] += 1 - second_part
    lean[second, np.arange(items)] += second_part
    rank = rng.permutation(items)
    appeal = lean * (1 + rank / (_POPULAR_SHARE * items)) ** -_POPULAR_STEEPNESS
    shares = appeal / appeal.sum(axis=1, keepdims=True)
    weights = rng.dirichlet(np.full(tastes, _CONCENTRATION), config.synthetic_users)
    genres: list[tuple[str, ...]] = [
        (GENRES[one],) if one == two or part < _SECOND_GENRE / 2 else (GENRES[one], GENRES[two])
        for one, two, part in zip(first, second, second_part, strict=True)
    ]
    return Truth(weights, shares), genres


def _draw_interactions(truth: Truth, config: DataConfig, rng: np.random.Generator) -> Interactions:
    """Each user's items in the order they were drawn; the time is the place in that order."""
    mean = config.synthetic_interactions_per_user
    drawn = mean * rng.lognormal(-(_SPREAD**2) / 2, _SPREAD, config.synthetic_users)
    counts = np.clip(np.rint(drawn).astype(np.int64), 2, 3 * mean)
    items = np.concatenate(list(_draw_items(truth, counts, rng)))
    users = np.repeat(np.arange(config.synthetic_users), counts)
    first = np.cumsum(counts) - counts
    times = np.arange(len(items)) - np.repeat(first, counts)
    return Interactions(users.astype(np.int32), items.astype(np.int32), times.astype(np.int64))


def _draw_items(
    truth: Truth, counts: NDArray[np.int64], rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Users in turn, some at once to bound the memory.

    Sorting log p plus Gumbel noise gives the order of draws without replacement.
    """
    for start in range(0, len(counts), _USERS_AT_ONCE):
        some = slice(start, start + _USERS_AT_ONCE)
        log_p = np.log(truth.weights[some] @ truth.shares)
        order = np.argsort(-(log_p + rng.gumbel(size=log_p.shape)), axis=1)
        taken = np.arange(order.shape[1]) < counts[some, None]
        yield order[taken]


def _best_hr_at_10(truth: Truth, test: LeaveOneOut, popularity: NDArray[np.int64]) -> float:
    candidates = np.concatenate([test.items[:, None], test.negatives], axis=1)
    # The split holds out only items that training has as well, so a candidate without any is known to be
    # a negative.
    chances = truth.probabilities(test.users, candidates) * (popularity[candidates] > 0)
    better = (chances[:, 1:] >= chances[:, :1]).sum(axis=1)
    return float((better < 10).mean())


def make_titles(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`count` different titles, each with a year: "The Paper Lantern (1994)"."""
    pool = np.array(_pool())
    rng.shuffle(pool)
    years = rng.integers(_FIRST_YEAR, _LAST_YEAR + 1, size=count)
    return tuple(f"{_numbered(pool, number)} ({year})" for number, year in enumerate(years))


def _pool() -> list[str]:
    adjectives, nouns, places = _ADJECTIVES.split(), _NOUNS.split(), _PLACES.split()
    plain = [f"The {adjective} {noun}" for adjective, noun in product(adjectives, nouns)]
    return plain + [f"The {noun} of {place}" for noun, place in product(nouns, places)]


def _numbered(pool: NDArray[np.str_], number: int) -> str:
    """A catalogue larger than the pool goes on with sequels."""
    part, place = divmod(number, len(pool))
    return str(pool[place]) if part == 0 else f"{pool[place]}, Part {part + 1}"
