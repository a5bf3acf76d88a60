"""Exact odds of being a candidate over the whole menu, and the page under each allocation.

An allocation is filled up with distinct candidates by stretching it: candidate c enters at
``t_c = min over strategies of rank / draws``, and the K candidates with the smallest t are the set. With overlapping
draws every strategy is thereby asked for more in proportion, until the budget of distinct candidates is full.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.allocation.policy import Menu
from ltrr_cli.core.types import BoolArray, DoubleArray, FloatArray, IntArray

_LAST_RESORT = 1e6  # strategies without draws fill up only after all others are exhausted


def filled(ranks: FloatArray, draws: IntArray, budget: int) -> BoolArray:
    """Return (n,) bool: the candidates under one allocation, always min(budget, n) of them.

    ranks  -- (n, s) float32 from 1, NaN where a strategy did not bring the candidate
    draws  -- (s,) int32

    >>> filled(np.array([[1, np.nan], [2, 1], [np.nan, 2]], np.float32), np.array([1, 1], np.int32), 2).tolist()
    [True, True, False]
    """
    chosen: BoolArray = _filled(ranks, draws[None], budget)[0]
    return chosen


def inclusion(ranks: FloatArray, menu: Menu, budget: int) -> tuple[DoubleArray, BoolArray]:
    """Return (odds (n,), included (a, n)): the chance of each candidate over the menu, and under each allocation."""
    included = _filled(ranks, menu.draws, budget)
    odds: DoubleArray = menu.odds @ included
    return np.minimum(odds, 1.0), included  # rounding must not make a certainty more than one


def _filled(ranks: FloatArray, draws: IntArray, budget: int) -> BoolArray:
    """Return (a, n) bool for allocations (a, s)."""
    included = np.ones((len(draws), len(ranks)), np.bool_)
    if len(ranks) <= budget:
        return included
    known = np.where(np.isnan(ranks), np.inf, ranks).astype(np.float64)
    first = known.min(axis=1)
    ties = np.argsort(first, kind="stable")  # what decides between equal thresholds: best rank, then row
    known = known[ties]
    # what every allocation gives a strategy at least is the same for all; only what one gives more is its own
    least = draws.min(axis=0)
    columns = np.ascontiguousarray(known.T)
    shared = np.min([_entry(*one) for one in zip(columns, least.tolist(), strict=True)], axis=0)
    entry = np.tile(shared, (len(draws), 1))
    for allocation, place in zip(*np.nonzero(draws > least), strict=True):
        own = _entry(columns[place], int(draws[allocation, place]))
        np.minimum(entry[allocation], own, out=entry[allocation])
    last = np.partition(entry, budget - 1, axis=1)[:, budget - 1 : budget]  # of the candidates that come in
    before, equal = entry < last, entry == last
    equal &= np.cumsum(equal, axis=1) <= budget - np.count_nonzero(before, axis=1)[:, None]
    included[:, ties] = before | equal
    return included


def _entry(ranks: DoubleArray, draws: int) -> DoubleArray:
    """Return (n,): when each candidate comes in by one strategy alone; inf where that has it not."""
    return ranks / draws if draws else _LAST_RESORT + ranks


def pages(order: IntArray, included: BoolArray, k: int) -> IntArray:
    """Return (a, k) int32: the page under each allocation as candidates, best first; -1 where it is shorter.

    order    -- all candidates, best first by the ranker
    included -- (a, n) bool under each allocation

    >>> pages(np.array([2, 0, 1], np.int32), np.array([[True, True, False], [True, True, True]]), 2).tolist()
    [[0, 1], [2, 0]]
    """
    found = np.full((len(included), k), -1, np.int32)
    ordered = included[:, order]
    place = np.cumsum(ordered, axis=1, dtype=np.int32)  # on the page, from 1
    allocation, at = np.nonzero(ordered & (place <= k))
    found[allocation, place[allocation, at] - 1] = order[at]
    return found
