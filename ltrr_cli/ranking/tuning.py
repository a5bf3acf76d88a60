"""Weights of fusion from queries whose answers are known: coordinate ascent on the mean reciprocal rank."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.ranking.fusion import gains

LEVELS = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)  # fusion weights tried for every strategy
LEAST = 0.02  # share that ascent leaves to a strategy that finds things alone but adds nothing to the others
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What strategies brought for one query, and what of it is wanted.

    gains -- (n, strategies) float32 in 0..1, see ``fusion.gains``
    share -- (n,) float64, the chance that this candidate is the wanted one; sums to less than 1 where some are missing
    """

    gains: FloatArray
    share: DoubleArray

    @classmethod
    def of(cls, rows: IntArray, scores: FloatArray, wanted: IntArray, chances: DoubleArray) -> Self:
        """Return what is wanted of a union.

        rows, scores -- (n,) ascending and (n, strategies), NaN where a strategy did not bring the candidate
        wanted       -- (m,) rows, ascending, of which ``chances`` (m,) are wanted
        """
        share = np.zeros(len(rows))
        if len(rows):
            places = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
            found = rows[places] == wanted
            share[places[found]] = chances[found]
        return cls(gains(scores), share)


def tune(queries: Sequence[Wanted], strategies: int, *, tempered: bool) -> FloatArray | None:
    """Choose (strategies,) float32 fusion weights, 1 at most; None where nothing that is wanted was found.

    Ascent starts from every strategy's own mean reciprocal rank. An arm that helps nobody weighs 0.

    tempered -- return the geometric mean of start and end: entities are asked for in their own words, which favours
                full text more than people do
    """
    found = [query for query in queries if query.share.any()]
    if not found:
        return None
    gain = np.concatenate([query.gains for query in found])
    share = np.concatenate([query.share for query in found])
    owner = np.repeat(np.arange(len(found), dtype=np.int32), [len(query.share) for query in found])
    single = all(np.count_nonzero(query.share) == 1 for query in found)
    reciprocal = _of_one(gain, share, owner) if single else _of_many(gain, share, owner)
    alone = np.array([reciprocal(arm) for arm in np.eye(strategies)])
    own = np.where(gain[share > 0].any(axis=0), alone, 0.0)
    climbed = _climb(reciprocal, own)
    both = np.sqrt(own * (climbed / max(climbed.max(), 1e-9) + LEAST)) if tempered else climbed
    tuned: FloatArray = (both / max(both.max(), 1e-9)).astype(np.float32)
    return tuned


def _climb(reciprocal: Callable[[DoubleArray], float], start: DoubleArray) -> DoubleArray:
    """Change one weight at a time while that raises the mean reciprocal rank; who found nothing wanted stays out."""
    weights, best = start, reciprocal(start)
    for _ in range(ROUNDS):
        before = best
        for arm in np.flatnonzero(start).tolist():
            for level in LEVELS:
                tried = weights.copy()
                tried[arm] = level
                if (value := reciprocal(tried)) > best + 1e-4:
                    best, weights = value, tried
        if best == before:
            break
    return weights


def _of_one(gain: FloatArray, share: DoubleArray, owner: IntArray) -> Callable[[DoubleArray], float]:
    """Return weights -> mean reciprocal rank where every query wants one candidate; ties share the middle rank."""
    target = np.flatnonzero(share)

    def reciprocal(weights: DoubleArray) -> float:
        fused = gain @ weights.astype(np.float32)
        wanted = fused[target][owner]
        rank = np.bincount(owner, (fused > wanted) + 0.5 * (fused == wanted), len(target)) + 0.5
        return float((share[target] / rank).mean())

    return reciprocal


def _of_many(gain: FloatArray, share: DoubleArray, owner: IntArray) -> Callable[[DoubleArray], float]:
    """Return weights -> expected reciprocal rank where any of many may be wanted; ties share the middle rank."""
    first = np.searchsorted(owner, np.arange(int(owner[-1]) + 1))

    def reciprocal(weights: DoubleArray) -> float:
        fused = gain @ weights.astype(np.float32)
        order = np.lexsort((-fused, owner))
        rank = np.arange(1.0, len(order) + 1) - first[owner[order]]
        new = np.r_[True, (np.diff(fused[order]) != 0) | (np.diff(owner[order]) != 0)]
        level = np.cumsum(new) - 1
        middle = np.bincount(level, rank) / np.bincount(level)
        return float((share[order] / middle[level]).sum() / len(first))

    return reciprocal
