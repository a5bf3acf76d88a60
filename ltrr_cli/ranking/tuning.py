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
    reciprocal = _OfOne(gain, share, owner) if single else _OfMany(gain, share, owner)
    nothing = np.zeros(strategies)
    alone = np.array([reciprocal.along(nothing, arm)(1.0) for arm in range(strategies)])
    own = np.where(gain[share > 0].any(axis=0), alone, 0.0)
    climbed = _climb(reciprocal, own)
    both = np.sqrt(own * (climbed / max(climbed.max(), 1e-9) + LEAST)) if tempered else climbed
    tuned: FloatArray = (both / max(both.max(), 1e-9)).astype(np.float32)
    return tuned


def _climb(reciprocal: _OfOne | _OfMany, start: DoubleArray) -> DoubleArray:
    """Change one weight at a time while that raises the mean reciprocal rank; who found nothing wanted stays out."""
    arms = np.flatnonzero(start).tolist()
    weights, best = start.copy(), reciprocal.along(start, arms[0])(float(start[arms[0]]))
    for _ in range(ROUNDS):
        before = best
        for arm in arms:
            value_of = reciprocal.along(weights, arm)
            for level in LEVELS:
                if level != weights[arm] and (value := value_of(level)) > best + 1e-4:
                    best, weights[arm] = value, level
        if best == before:
            break
    return weights


class _OfOne:
    """The mean reciprocal rank where every query wants one candidate; ties share the middle rank.

    Kept is by how much each candidate gains more than the wanted one. Most gain nowhere more: such rivals are one line
    per query and set of strategies where they gain less, for by how much less does not matter.
    """

    def __init__(self, gain: FloatArray, share: DoubleArray, owner: IntArray) -> None:
        target = np.flatnonzero(share)
        more = gain - gain[target][owner]  # (n, s)
        rivals = (more > 0).any(axis=1)
        less, of = more[~rivals] < 0, owner[~rivals]
        order = np.lexsort((*np.packbits(less, axis=1).T, of))
        less, of = less[order], of[order]
        new = np.r_[True, (np.diff(of) != 0) | (less[1:] != less[:-1]).any(axis=1)]  # wanted ones are among these
        together = np.r_[of[new], owner[rivals]]
        order = np.argsort(together, kind="stable")
        counts = np.r_[np.diff(np.r_[np.flatnonzero(new), len(new)]), np.ones(int(rivals.sum()), np.int64)]
        self._more = np.ascontiguousarray(np.concatenate([-less[new].astype(np.float32), more[rivals]])[order].T)
        self._half = (0.5 * counts[order]).astype(np.float32)
        self._starts = np.searchsorted(together[order], np.arange(len(target)))
        self._share = share[target]

    def along(self, weights: DoubleArray, arm: int) -> Callable[[float], float]:
        """Return the weight of one strategy -> what it is aimed at, the others' weights being given."""
        base, own = _without(weights, arm) @ self._more, self._more[arm]

        def value_of(weight: float) -> float:
            ahead = base + np.float32(weight) * own
            rank = np.add.reduceat(np.where(ahead > 0, np.float32(1.0), self._half * (ahead == 0)), self._starts) + 0.5
            return float((self._share / rank).mean())

        return value_of


class _OfMany:
    """The expected reciprocal rank where any of many may be wanted; ties share the middle rank."""

    def __init__(self, gain: FloatArray, share: DoubleArray, owner: IntArray) -> None:
        self._gain = np.ascontiguousarray(gain.T)
        self._wanted = np.flatnonzero(share)
        self._share = share[self._wanted]
        self._first = np.searchsorted(owner, owner[self._wanted])
        self._owner = owner.astype(np.uint64) << np.uint64(32)
        self._queries = int(owner[-1]) + 1

    def along(self, weights: DoubleArray, arm: int) -> Callable[[float], float]:
        """Return the weight of one strategy -> what it is aimed at, the others' weights being given."""
        base, own = _without(weights, arm) @ self._gain, self._gain[arm]

        def value_of(weight: float) -> float:
            fused = base + np.float32(weight) * own
            # the bits of floats >= 0 are ordered as they are: one sort by query, and inside it from high to low
            key = self._owner | ~fused.view(np.uint32)
            ordered, mine = np.sort(key), key[self._wanted]
            above = np.searchsorted(ordered, mine) - self._first
            middle = 0.5 * (above + np.searchsorted(ordered, mine, "right") - self._first + 1)
            return float((self._share / middle).sum() / self._queries)

        return value_of


def _without(weights: DoubleArray, arm: int) -> FloatArray:
    others = weights.astype(np.float32)
    others[arm] = 0.0
    return others
