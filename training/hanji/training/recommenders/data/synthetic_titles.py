"""Titles of the synthetic catalogue's items, which exist nowhere else."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

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


def make_titles(count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """`count` distinct titles, each with a year: "The Paper Lantern (1994)"."""
    pool = np.array(_pool())
    rng.shuffle(pool)
    years = rng.integers(_FIRST_YEAR, _LAST_YEAR + 1, size=count)
    return tuple(f"{_numbered(pool, number)} ({year})" for number, year in enumerate(years))


def _pool() -> list[str]:
    adjectives, nouns, places = _ADJECTIVES.split(), _NOUNS.split(), _PLACES.split()
    plain = [f"The {adjective} {noun}" for adjective, noun in product(adjectives, nouns)]
    return plain + [f"The {noun} of {place}" for noun, place in product(nouns, places)]


def _numbered(pool: NDArray[np.str_], number: int) -> str:
    """The title with this number; numbers beyond the pool become sequels."""
    part, place = divmod(number, len(pool))
    return str(pool[place]) if part == 0 else f"{pool[place]}, Part {part + 1}"


__all__ = ["make_titles"]
