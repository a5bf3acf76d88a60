"""Known queries as people acted on them, looked up many at a time: what ``prior.PriorStrength`` learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import DecayedCounts
from ltrr_cli.retrieval.counts.sorted_table import codes_of
from ltrr_cli.retrieval.memory.predicted import Predicted, summed
from ltrr_cli.retrieval.memory.prior import KnownQueryActions
from ltrr_cli.retrieval.memory.recollection import near_share, placed, prior_shares

TOGETHER = 16  # queries looked up at once: few enough that their neighbours' pairs take little memory


@dataclass(frozen=True, slots=True)
class KnownQueries:
    """What a memory knows of the queries that it numbered; counts without decay, whatever the moment.

    written    -- folded queries by their numbers
    neighbours -- (numbers, weights) of queries written like one
    popularity -- (entities,) of the catalog, log1p
    fame       -- of rows: 1 and all actions on each
    strength   -- actions' worth of the prior, by predicted rows and support
    """

    written: Sequence[str]
    pairs: DecayedCounts
    predicted: Predicted
    neighbours: Callable[[str], tuple[IntArray, FloatArray]]
    popularity: FloatArray
    fame: Callable[[IntArray], FloatArray]
    strength: Callable[[int, float], float]

    def first(self, count: int, numbers: IntArray, foretold: bool) -> Iterator[KnownQueryActions]:
        """Yield the first so many of some queries, in their order.

        foretold -- of those alone for which something is predicted, the prior in shares that sum to 1 at most; else of
                    all of them, the prior in actions
        """
        if foretold:
            numbers = numbers[self.predicted.known([self.written[number] for number in numbers.tolist()])]
        for start in range(0, min(count, len(numbers)), TOGETHER):
            yield from self._some(numbers[start : min(start + TOGETHER, count)], foretold)

    def _some(self, numbers: IntArray, foretold: bool) -> Iterator[KnownQueryActions]:
        """Look some up; codes are of (place among the numbers, row): each query has a stretch of every array."""
        keys = [self.written[number] for number in numbers.tolist()]
        own_pairs, own_of = self.pairs.pairs_of(numbers)
        own_codes = codes_of(own_of, self.pairs.rows(own_pairs))
        near_codes, near_counts = self._near(keys)
        foreseen = [self.predicted.of({key}) for key in keys]
        sizes = [len(rows) for rows, _ in foreseen]
        foreseen_rows, foreseen_weights = (np.concatenate(parts) for parts in zip(*foreseen, strict=True))
        foreseen_codes = codes_of(np.repeat(np.arange(len(keys)), sizes), foreseen_rows)
        codes: MomentArray = np.unique(np.concatenate([own_codes, near_codes, foreseen_codes]))
        own = placed(codes, own_codes, self.pairs.ever(own_pairs))
        near = placed(codes, near_codes, near_counts)
        predicted = placed(codes, foreseen_codes, foreseen_weights)
        rows = codes.astype(np.int32)  # the lower half
        fame, popularity = self.fame(rows), self.popularity[rows]
        bounds = np.searchsorted(codes, np.arange(len(keys) + 1) << 32).tolist()
        for place, size in enumerate(sizes):
            part = slice(bounds[place], bounds[place + 1])
            acted = own[part]
            count = acted + near[part] * near_share(float(acted.sum()))
            strength = np.inf if foretold else self.strength(size, float(count.sum()))
            prior = _without_words(popularity[part], predicted[part], strength)
            yield KnownQueryActions(count, acted, prior if foretold else np.float32(strength) * prior, fame[part])

    def _near(self, keys: Sequence[str]) -> tuple[MomentArray, FloatArray]:
        """Return (codes ascending, weighted counts) of what was done on queries written like each."""
        found = [self.neighbours(key) for key in keys]
        numbers, weights = (np.concatenate(parts) for parts in zip(*found, strict=True))
        query = np.repeat(np.arange(len(keys)), [len(one) for one, _ in found])
        pairs, of = self.pairs.pairs_of(numbers)
        return summed(codes_of(query[of], self.pairs.rows(pairs)), self.pairs.ever(pairs) * weights[of])


def _without_words(popularity: FloatArray, predicted: FloatArray, strength: float) -> FloatArray:
    """Return (n,) float32, the prior of a known query without its words."""
    none = np.zeros_like(predicted)
    prior: FloatArray = prior_shares(popularity, predicted, none, strength, none + np.float32(1.0)).sum(axis=1)
    return prior
