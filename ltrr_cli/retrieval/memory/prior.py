"""What leave-one-out over what was acted on says of the memory's prior, for little and for much support.

One action is taken away from a known query and its entity is ranked again, under every choice. Where a choice ranks
entities better than the first one would, by more than chance, it may serve queries of that support. Ranks decide, not
likelihoods: which entities are possible at all is easily foretold, in what order they are wanted is not.

strengths -- how many actions is a prediction worth? A catalog whose predictions are good keeps them until actions are
             many; elsewhere they are outgrown at once
powers    -- how much does it say of an entity that it is acted on at all, beside its count for this very query? Counts
             of one query are few, and made by whoever came first; what many act on is what the next one will know
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.retrieval.counts.sorted_table import mixed

PRIOR = 1.0  # actions' worth of the prior where predictions have shown nothing better
POWERS = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
STRENGTHS = np.array([1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0])  # actions' worth
BUCKETS = 12  # of support, each four times as wide as the one before
PER_SIZE, PER_SIZE_OF_FAME = 40, 400  # known queries of about one size that are asked
GROWN_FOR_FAME = 2.0  # times the actions after which so many more are asked again
FEWEST = 6  # queries that a bucket needs to be believed
LEAST_DOUBT = 0.02  # that a name is meant by its name
SURELY = 2.0  # standard errors
DEPTH = 10
TRIED = 16  # entities of one query that are taken away, one at a time


@dataclass(frozen=True, slots=True)
class KnownQueryActions:
    """A query that people acted on.

    count -- (n,) float, own and neighbours' actions; own -- (n,) the query's own among them
    prior -- (n,) float, what is predicted: shares that sum to 1 at most for ``strengths``, actions for ``powers``
    fame  -- (n,) float, 1 and all actions on the entity, whatever the query
    """

    count: FloatArray
    own: FloatArray
    prior: FloatArray
    fame: FloatArray


def bucket_of(support: float) -> int:
    """Return the bucket of so many actions: 0 below 3, 1 below 15, 2 below 63 ...

    >>> [bucket_of(support) for support in (0, 2, 3, 15, 1e9)]
    [0, 0, 1, 2, 11]
    """
    return min(int(np.log2(support + 1.0) / 2.0), BUCKETS - 1)


class PriorStrength:
    """What predictions and fame are worth for each bucket of support: one action and nothing where little is known.

    famed -- of how many actions fame was learnt
    """

    def __init__(self, strengths: Sequence[float] = (), powers: Sequence[float] = (), famed: float = 0.0) -> None:
        self.strengths = list(strengths) or [PRIOR] * BUCKETS
        self.powers = list(powers) or [0.0] * BUCKETS
        self.famed = famed

    def learn(
        self, actions: float, totals: DoubleArray, look_up: Callable[[int, IntArray, bool], Iterable[KnownQueryActions]]
    ) -> None:
        """Learn what predictions are worth; and fame, for which more queries are asked, when actions have doubled.

        totals  -- (q,) actions of every known query
        look_up -- gives the first so many of some queries, by their numbers: those for which something is predicted
                   (True), the prior in shares, or all of them, the prior in actions; about as many of every size
        """

        def foretold(count: int, numbers: IntArray) -> Iterable[KnownQueryActions]:
            return look_up(count, numbers, True)

        def whatever(count: int, numbers: IntArray) -> Iterable[KnownQueryActions]:
            return look_up(count, numbers, False)

        self.strengths = _learnt(totals, foretold, _by_strength, STRENGTHS, PER_SIZE)
        if actions >= GROWN_FOR_FAME * self.famed:
            self.powers = _learnt(totals, whatever, _by_power, POWERS, PER_SIZE_OF_FAME)
            self.famed = actions

    def arrays(self) -> dict[str, DoubleArray]:
        """Return all of it, for ``of``."""
        return {"strengths": np.array(self.strengths), "powers": np.array(self.powers), "famed": np.array([self.famed])}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return what ``arrays`` told."""
        return cls(arrays["strengths"].tolist(), arrays["powers"].tolist(), float(arrays["famed"][0]))

    def strength(self, untried: float, support: float, named: float = 0.0) -> float:
        """Return how many actions' worth the prior is, for a query of so many actions.

        named -- 0..1, the odds that the query is a name that the catalog has: ``named / (1 - named)`` actions' worth

        A prediction that nobody has acted on yet may be wrong or untried; it is less and less likely to be untried the
        more actions an average entity has had. So predictions are never worth more than ``untried`` actions, nor more
        than known queries of that support show.
        """
        return max(PRIOR, min(self.strengths[bucket_of(support)], untried), named / max(1.0 - named, LEAST_DOUBT))

    def power(self, support: float) -> float:
        """Return the power to which fame counts for a query of so many actions."""
        return self.powers[bucket_of(support)]


def _learnt(
    totals: DoubleArray,
    look_up: Callable[[int, IntArray], Iterable[KnownQueryActions]],
    gain: Callable[[KnownQueryActions], DoubleArray],
    choices: DoubleArray,
    per_size: int,
) -> list[float]:
    gains: list[list[DoubleArray]] = [[] for _ in range(BUCKETS)]
    size = np.minimum(np.log2(totals + 1.0) / 2.0, BUCKETS - 1).astype(np.int32)
    shuffled = np.argsort(
        mixed(np.arange(len(totals), dtype=np.uint64), np.zeros(len(totals), np.int64)), kind="stable"
    )
    for bucket in range(BUCKETS):
        tried = shuffled[((size == bucket) & (totals > 0))[shuffled]][: 8 * per_size]
        for known in look_up(per_size, tried.astype(np.int32)):
            gains[bucket_of(max(float(known.count.sum()) - 1.0, 0.0))].append(gain(known))
    return [_best(np.array(of), choices) if len(of) >= FEWEST else float(choices[0]) for of in gains]


def _best(gains: DoubleArray, choices: DoubleArray) -> float:
    """Choose from (queries, choices): the one whose lead over the first is largest, less chance, if it surely leads."""
    lead = gains - gains[:, :1]
    mean, error = lead.mean(axis=0), lead.std(axis=0, ddof=1) / np.sqrt(len(lead))
    best = int(np.argmax(mean - SURELY * error))
    return float(choices[best if mean[best] > SURELY * error[best] else 0])


def _by_strength(known: KnownQueryActions) -> DoubleArray:
    """Return (strengths,): mean discounted gain of entities acted on, each ranked without one of its actions."""
    acted = _tried(known.own)
    left = known.count[acted] - np.minimum(known.own[acted], 1.0)
    worth = STRENGTHS[:, None]
    return _gains(known.count + worth * known.prior, left + worth * known.prior[acted], acted)


def _by_power(known: KnownQueryActions) -> DoubleArray:
    """Return (powers,), the same."""
    acted = _tried(known.own)
    one, power = np.minimum(known.own[acted], 1.0), POWERS[:, None]
    leant = known.count * known.fame**power
    scale = float(known.count.sum()) / np.maximum(leant.sum(axis=1, keepdims=True), 1e-9)
    mine = (known.count[acted] - one) * np.maximum(known.fame[acted] - one, 1.0) ** power
    return _gains(scale * leant + known.prior, scale * mine + known.prior[acted], acted)


def _gains(score: DoubleArray, mine: DoubleArray, acted: IntArray) -> DoubleArray:
    """Return (choices,) mean discounted gains.

    score -- (choices, n) of every entity; mine -- (choices, m) of those acted on, without one action
    """
    above = (score[:, None, :] > mine[:, :, None]).sum(axis=2) - (score[:, acted] > mine)  # not above itself
    equal = (score[:, None, :] == mine[:, :, None]).sum(axis=2) - (score[:, acted] == mine)
    rank = 1.0 + above + equal / 2.0
    gain: DoubleArray = np.where(rank <= DEPTH, 1.0 / np.log2(1.0 + rank), 0.0).mean(axis=1)
    return gain


def _tried(own: FloatArray) -> IntArray:
    """Return the places of at most ``TRIED`` actions, evenly over all of them."""
    total = np.cumsum(own, dtype=np.float64)
    marks = (np.arange(TRIED) + 0.5) * total[-1] / TRIED
    places: IntArray = np.searchsorted(total, marks).clip(max=len(own) - 1).astype(np.int32)
    return places
