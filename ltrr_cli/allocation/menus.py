"""Making menus: equal allocations are one allocation, and their odds add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ltrr_cli.allocation.policy import Menu
from ltrr_cli.core.types import IntArray


def merged(draws: IntArray, odds: Sequence[float]) -> Menu:
    """Return the menu of the distinct allocations among ``draws`` (a, s), in the order they first occur.

    An allocation with odds 0 is left out.

    >>> merged(np.array([[1, 1], [2, 0], [1, 1]], np.int32), [0.25, 0.5, 0.25]).odds.tolist()
    [0.5, 0.5]
    """
    places: dict[bytes, int] = {}
    rows: list[int] = []
    sums: list[float] = []
    for row, share in enumerate(odds):
        if share > 0.0:
            place = places.setdefault(draws[row].tobytes(), len(rows))
            if place == len(rows):
                rows.append(row)
                sums.append(0.0)
            sums[place] += share
    return Menu(draws[rows].astype(np.int32, copy=False), np.array(sums, np.float64))


def certain(draws: IntArray) -> Menu:
    """Return the menu of one allocation (s,)."""
    return Menu(draws[None].astype(np.int32, copy=False), np.ones(1))
