"""Is one ordering better than another? Measures per search, and a paired bootstrap over searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.model import Examples, Model
from ltrr_cli.ranking.subsample import thinned

RESAMPLES = 1_000
IMPORTANCE_LINES = 6_000
CONFIDENCE = 0.9
TOLERANCE = 0.005  # nDCG; a loss that small is not a reason to keep what serves when the mean says otherwise


@dataclass(frozen=True, slots=True)
class Verdict:
    """A challenger against what serves, on held-out searches.

    challenger, serving -- measure -> mean over the searches
    difference          -- (searches,) nDCG of the challenger less that of what serves
    low, high           -- paired bootstrap interval (90 %) of its mean
    """

    challenger: dict[str, float]
    serving: dict[str, float]
    difference: DoubleArray
    low: float
    high: float

    @property
    def searches(self) -> int:
        """Return how many searches were judged."""
        return len(self.difference)

    @property
    def better(self) -> bool:
        """Promote when the mean is higher and a clear loss is ruled out (the interval's lower end is above -.005).

        A bar of "certainly better" would keep a worse ranker for months where searches are few; "higher mean" alone
        would promote noise. What is ruled out is harm.
        """
        return bool(len(self.difference) and self.difference.mean() > 0 and self.low > -TOLERANCE)

    def measures(self) -> dict[str, dict[str, float]]:
        """Return model -> measure -> value, for reports."""
        return {"trained": self.challenger, "serving": self.serving, "difference": {"low": self.low, "high": self.high}}


def compare(examples: Examples, challenger: FloatArray, serving: FloatArray | None = None, k: int = 10) -> Verdict:
    """Judge two scorings of the same candidates by nDCG@k; ``serving`` is the examples' baseline unless given.

    Raises DataError for examples without lines.
    """
    if len(examples.labels) == 0:
        raise DataError("nothing to judge on: no search was held out")
    served = examples.baseline if serving is None else serving
    first, second = (per_search(examples, scores, k) for scores in (challenger, served))
    difference = first[f"nDCG@{k}"] - second[f"nDCG@{k}"]
    low, high = paired_interval(difference)
    return Verdict(mean_measures([first]), mean_measures([second]), difference, low, high)


def paired_interval(difference: DoubleArray) -> tuple[float, float]:
    """Return the bootstrap interval (percentiles, 90 %) of the mean of per-search differences.

    >>> paired_interval(np.array([0.25, 0.25, 0.25]))
    (0.25, 0.25)
    """
    chance = generator("paired bootstrap", len(difference))
    means = [difference[chance.integers(0, len(difference), len(difference))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def importances(examples: Examples, model: Model, lines: int = IMPORTANCE_LINES, most: int = 15) -> dict[str, float]:
    """Return feature -> loss of mean nDCG@10 when its column is shuffled, largest first (Breiman, 2001).

    lines -- looked at, about: whole searches, evenly over time
    """
    examples = thinned(examples, lines)
    order = generator("permutation importance", len(examples.labels)).permutation(len(examples.labels))

    def quality(features: FloatArray) -> float:
        scores = corrected(model.score(features), examples.baseline, model.anchor)
        return float(per_search(examples, scores)["nDCG@10"].mean())

    whole = quality(examples.features)
    lost = {}
    for column, name in enumerate(model.schema.names):
        own = examples.features[:, column]
        if not np.array_equal(own, np.full_like(own, own[0]), equal_nan=True):
            features = examples.features.copy()
            features[:, column] = own[order]
            lost[name] = round(whole - quality(features), 4)
    return dict(sorted(lost.items(), key=lambda item: (-item[1], item[0]))[:most])


def per_search(examples: Examples, scores: FloatArray, k: int = 10) -> dict[str, DoubleArray]:
    """Return measure -> (searches,) of one ordering: nDCG@k with linear gains, RR, and AP@5 (whose mean is MAP@5).

    Ties fall against us (the unrewarded first), and so do scores that are no number. AP@5 divides by the rewarded
    candidates, five at most. A search without any is 0.
    """
    gain = examples.labels.astype(np.float64)
    known = np.nan_to_num(scores.astype(np.float64), nan=-np.inf)
    order = np.lexsort((gain, -known, examples.groups))
    start = np.flatnonzero(np.diff(examples.groups, prepend=examples.groups[:1] - 1))
    rank = _ranks(start, len(gain))
    discount = np.where(rank <= k, 1.0 / np.log2(rank + 1), 0.0)
    placed, ideal = gain[order], gain[np.lexsort((-gain, examples.groups))]
    dcg, best = (np.add.reduceat(values * discount, start) for values in (placed, ideal))
    hit = placed > 0
    so_far = np.cumsum(hit)
    found: IntArray = so_far - np.repeat((so_far - hit)[start], np.diff(np.append(start, len(gain))))
    precision = np.where(hit & (rank <= 5), found / rank, 0.0)
    rewarded = np.clip(np.add.reduceat(hit, start, dtype=np.float64), 1.0, 5.0)
    return {
        f"nDCG@{k}": dcg / np.maximum(best, 1e-12),
        "RR": np.maximum.reduceat(np.where(hit, 1.0 / rank, 0.0), start),
        "AP@5": np.add.reduceat(precision, start) / rewarded,
    }


def mean_measures(results: Sequence[Mapping[str, DoubleArray]]) -> dict[str, float]:
    """Return measure -> mean over all searches of all results; the mean of AP@5 is called MAP@5."""
    names = {"AP@5": "MAP@5"}
    return {
        names.get(name, name): float(np.concatenate([result[name] for result in results]).mean())
        for name in (results[0] if results else ())
    }


def _ranks(start: np.ndarray, lines: int) -> IntArray:
    sizes = np.diff(np.append(start, lines))
    rank: IntArray = (np.arange(1, lines + 1) - np.repeat(start, sizes)).astype(np.int32)
    return rank
