"""Small experiments on the page: neighbours change places with known odds, below a protected top.

What is never shown elsewhere cannot tell a good entity from a good place. Neighbouring swaps cost next to nothing and
are enough to measure how much less a position is looked at than the one above it (Radlinski & Joachims, FairPairs,
AAAI 2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray, IntArray

UP, STAY, DOWN = 0, 1, 2  # columns of ``chances``


@dataclass(frozen=True, slots=True)
class Swapped:
    """A page after its swaps, as it is shown.

    order   -- (k,) int32: place on the page that was handed in, by position shown
    odds    -- (k,) float64: the chance that this entity stood at this position
    chances -- (k, 3) float64: the chances of the entity at each shown position to stand one above the place that it
        was handed in at, there, and one below
    """

    order: IntArray
    odds: DoubleArray
    chances: DoubleArray


def swap(size: int, chance: float, protected: int, seed: int) -> Swapped:
    """Shuffle a page of ``size`` by neighbouring swaps; the same seed gives the same page.

    chance    -- 0..1/2, that the two entities of a pair change places
    protected -- positions at the top that are never touched

    A fair coin decides whether pairs begin at the first free position or at the second, so that every neighbouring
    pair is tried and nobody moves by more than one; then each pair changes places on its own. Raises UsageError.

    >>> page = swap(4, chance=0.5, protected=1, seed=3)
    >>> page.order.tolist(), page.odds.tolist()
    ([0, 2, 1, 3], [1.0, 0.25, 0.25, 0.75])
    """
    table = chances(size, chance, protected)
    dice = generator("swap", seed)
    first = protected + int(dice.integers(2))
    upper = np.arange(first, size - 1, 2)
    upper = upper[dice.random(len(upper)) < chance]
    order = np.arange(size, dtype=np.int32)
    order[upper], order[upper + 1] = upper + 1, upper
    moved = np.arange(size) - order  # -1 up, 0, 1 down
    return Swapped(order, table[order, moved + 1], table[order])


@lru_cache(maxsize=64)
def chances(size: int, chance: float, protected: int) -> DoubleArray:
    """Return (size, 3), read-only: the exact chances of each place to be shown one above, as it is, one below."""
    if not 0.0 <= chance <= 0.5:
        raise UsageError(f"swap chance is {chance}", hint="a chance between 0 and 0.5")
    if protected < 0:
        raise UsageError(f"{protected} protected positions", hint="0 or more")
    place = np.arange(size)
    table = np.zeros((size, 3))
    table[:, UP] = np.where(place > protected, chance / 2, 0.0)
    table[:, DOWN] = np.where((place >= protected) & (place < size - 1), chance / 2, 0.0)
    table[:, STAY] = 1.0 - table[:, UP] - table[:, DOWN]
    table.setflags(write=False)
    return table


@lru_cache(maxsize=64)
def moved(size: int, chance: float, protected: int) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Return of each place the columns of ``chances`` that are not 0, and these chances."""
    table = chances(size, chance, protected).tolist()
    return tuple(tuple((column, odds) for column, odds in enumerate(line) if odds) for line in table)


def spread(shown: Swapped, positions: int) -> DoubleArray:
    """Return (k, positions): the chance of each shown entity at every position, as ``debias`` wants it.

    >>> spread(swap(3, chance=0.5, protected=0, seed=0), 3).sum(axis=1).tolist()
    [1.0, 1.0, 1.0]
    """
    size = len(shown.order)
    wide = np.zeros((size, max(positions, size) + 2))
    line = np.arange(size)
    for column in (UP, STAY, DOWN):
        wide[line, shown.order + column] = shown.chances[:, column]
    table: DoubleArray = wide[:, 1 : positions + 1]
    return table


def likelihood(order: Sequence[int], chance: float, protected: int) -> float:
    """Return the chance that ``swap`` gives this very order of places; 0 where it never does.

    >>> likelihood([0, 2, 1, 3], chance=0.5, protected=1), likelihood([0, 1, 2], 0.5, 1)
    (0.25, 0.75)
    """
    size, total, wanted = len(order), 0.0, list(order)
    for first in (protected, protected + 1):
        line, odds = list(range(size)), 0.5
        for upper in range(first, size - 1, 2):
            swapped = wanted[upper] == upper + 1
            odds *= chance if swapped else 1.0 - chance
            if swapped:
                line[upper], line[upper + 1] = upper + 1, upper
        total += odds if line == wanted else 0.0
    return total
