"""How many actions is a prediction worth? Leave-one-out over what was acted on says, for little and for much support.

One action is taken away from a known query and its entity is ranked again, with predictions of every strength. Where a
strength ranks entities better than one action's worth would, by more than chance, it may serve queries of that support.
A catalog whose predictions are good keeps them until actions are many; elsewhere they are outgrown at once. Ranks
decide, not likelihoods: which entities are possible at all is easily foretold, in what order they are wanted is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.retrieval.keyed import mixed

STRENGTHS = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0])  # actions' worth
BUCKETS = 12  # of support, each four times as wide as the one before
PER_SIZE = 40  # known queries of about one size that are asked
FEWEST = 6  # queries that a bucket needs to be believed
SURELY = 2.0  # standard errors
DEPTH = 10
TRIED = 16  # entities of one query that are taken away, one at a time


@dataclass(frozen=True, slots=True)
class Known:
    """A query that people acted on.

    count -- (n,) float, own and neighbours' actions; own -- (n,) the query's own among them
    prior -- (n,) float, what is predicted; sums to 1 at most
    """

    count: FloatArray
    own: FloatArray
    prior: FloatArray


def bucket_of(support: float) -> int:
    """Return the bucket of so many actions: 0 below 3, 1 below 15, 2 below 63 ...

    >>> [bucket_of(support) for support in (0, 2, 3, 15, 1e9)]
    [0, 0, 1, 2, 11]
    """
    return min(int(np.log2(support + 1.0) / 2.0), BUCKETS - 1)


def strengths(totals: DoubleArray, look_up: Callable[[int], Known | None]) -> list[float]:
    """Return the strength of the prediction for each bucket of support; 1 where nothing speaks for more.

    totals  -- (q,) actions of every known query
    look_up -- gives a query by number, None where nothing is predicted for it; asked about as often for every size
    """
    gains: list[list[DoubleArray]] = [[] for _ in range(BUCKETS)]
    size = np.minimum(np.log2(totals + 1.0) / 2.0, BUCKETS - 1).astype(np.int32)
    shuffled = np.argsort(
        mixed(np.arange(len(totals), dtype=np.uint64), np.zeros(len(totals), np.int64)), kind="stable"
    )
    for bucket in range(BUCKETS):
        tried = shuffled[((size == bucket) & (totals > 0))[shuffled]][: 8 * PER_SIZE]
        found = (known for number in tried.tolist() if (known := look_up(number)) is not None)
        for known in islice(found, PER_SIZE):
            gains[bucket_of(max(float(known.count.sum()) - 1.0, 0.0))].append(_gain(known))
    return [_best(np.array(of)) if len(of) >= FEWEST else 1.0 for of in gains]


def _best(gains: DoubleArray) -> float:
    """Choose from (queries, strengths): the one with the largest lead over strength 1, if that is surely one."""
    lead = gains - gains[:, :1]
    mean, error = lead.mean(axis=0), lead.std(axis=0, ddof=1) / np.sqrt(len(lead))
    best = int(np.argmax(mean))
    if mean[best] <= SURELY * error[best]:
        return 1.0
    return float(STRENGTHS[best])


def _gain(known: Known) -> DoubleArray:
    """Return (strengths,): mean discounted gain of entities acted on, each ranked without one of its actions."""
    acted = _tried(known.own)
    left = known.count[acted] - np.minimum(known.own[acted], 1.0)
    score = known.count + STRENGTHS[:, None] * known.prior  # (s, n)
    mine = (left + STRENGTHS[:, None] * known.prior[acted])[:, :, None]  # (s, m, 1)
    above = (score[:, None, :] > mine).sum(axis=2) - (score[:, acted] > mine[:, :, 0])  # not above itself
    equal = (score[:, None, :] == mine).sum(axis=2) - (score[:, acted] == mine[:, :, 0])
    rank = 1.0 + above + equal / 2.0
    gain: DoubleArray = np.where(rank <= DEPTH, 1.0 / np.log2(1.0 + rank), 0.0).mean(axis=1)
    return gain


def _tried(own: FloatArray) -> IntArray:
    """Return the places of at most ``TRIED`` actions, evenly over all of them."""
    total = np.cumsum(own, dtype=np.float64)
    marks = (np.arange(TRIED) + 0.5) * total[-1] / TRIED
    places: IntArray = np.searchsorted(total, marks).clip(max=len(own) - 1).astype(np.int32)
    return places
