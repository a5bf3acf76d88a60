"""How sure is a mean, and is a difference more than luck? Resampling over queries; pure array functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray

RESAMPLES = 2_000
FLIPS = 10_000
LEVEL = 0.95
_AT_ONCE = 4_000_000  # numbers drawn at a time: resampling holds some 32 MB, whatever the number of queries


@dataclass(frozen=True, slots=True)
class Difference:
    """A paired comparison: first minus second.

    mean, low, high -- shape (m,): the mean difference and its bootstrap interval at 95 %
    p               -- (m,) in (0, 1]: two-sided, of the hypothesis that the two could be exchanged query by query
    """

    mean: DoubleArray
    low: DoubleArray
    high: DoubleArray
    p: DoubleArray


def bootstrap(values: DoubleArray, level: float = LEVEL, resamples: int = RESAMPLES) -> tuple[DoubleArray, DoubleArray]:
    """Return (low, high), each (m,): the percentile bootstrap interval of the means over queries.

    values -- (queries, m)

    >>> low, high = bootstrap(np.ones((20, 1)))
    >>> float(low[0]), float(high[0])
    (1.0, 1.0)
    """
    count = len(values)
    if count == 0:
        nothing = np.full(values.shape[1], np.nan)
        return nothing, nothing
    chance = generator("bootstrap", count)
    means = []
    for size in _chunks(resamples, count):
        picks = chance.integers(0, count, (size, count))
        times = np.stack([np.bincount(row, minlength=count) for row in picks]).astype(np.float64)
        means.append(times @ values / count)
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def paired(first: DoubleArray, second: DoubleArray) -> Difference:
    """Compare two systems on the same queries: bootstrap interval and randomisation test of the mean difference.

    first, second -- (queries, m)

    The test flips the signs of the differences at random (Fisher's randomisation test; Smucker, Allan and Carterette,
    CIKM 2007); the observed assignment counts as one of the flips, so that p is never 0.

    >>> two = paired(np.ones((30, 1)), np.zeros((30, 1)))
    >>> float(two.mean[0]), bool(two.p[0] < 0.001)
    (1.0, True)
    """
    difference = first - second
    count = len(difference)
    if count == 0:
        nothing = np.full(difference.shape[1], np.nan)
        return Difference(nothing, nothing, nothing, nothing)
    chance = generator("sign flips", count)
    observed = np.abs(difference.sum(axis=0))
    # sums that are equal but for rounding are equal: without this a difference of one query would flip by luck
    slack = 1e-9 * np.abs(difference).sum(axis=0)
    reached: DoubleArray = np.zeros(difference.shape[1])
    for size in _chunks(FLIPS, count):
        signs = chance.integers(0, 2, (size, count), np.int8).astype(np.float64) * 2.0 - 1.0
        reached += (np.abs(signs @ difference) >= observed - slack).sum(axis=0)
    low, high = bootstrap(difference)
    p: DoubleArray = np.divide(reached + 1.0, FLIPS + 1.0)
    return Difference(difference.mean(axis=0), low, high, p)


def _chunks(total: int, width: int) -> list[int]:
    """Cut ``total`` rows of ``width`` numbers into pieces that fit."""
    size = max(1, _AT_ONCE // width)
    return [min(size, total - done) for done in range(0, total, size)]
