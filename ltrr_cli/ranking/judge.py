"""Is one ordering better than another? Per-search nDCG, and a paired bootstrap over searches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.ranking.base import Examples

RESAMPLES = 1_000
CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class Verdict:
    """A challenger against what serves, on held-out searches.

    challenger, serving -- mean nDCG@10 and mean reciprocal rank
    low, high           -- paired bootstrap interval of the difference in nDCG@10
    """

    challenger: dict[str, float]
    serving: dict[str, float]
    low: float
    high: float
    searches: int

    @property
    def better(self) -> bool:
        """Promote when the mean is higher and a clear loss is ruled out (the interval's lower end is above -.005)."""
        return self.challenger["nDCG@10"] > self.serving["nDCG@10"] and self.low > -0.005

    def measures(self) -> dict[str, dict[str, float]]:
        """Return model -> measure -> value, for reports."""
        return {"trained": self.challenger, "serving": self.serving, "difference": {"low": self.low, "high": self.high}}


def compare(examples: Examples, challenger: FloatArray, serving: FloatArray | None = None) -> Verdict:
    """Judge two scorings of the same candidates; ``serving`` is the examples' baseline unless given."""
    served = examples.baseline if serving is None else serving
    first, second = (per_search(examples, scores) for scores in (challenger, served))
    difference = first["nDCG@10"] - second["nDCG@10"]
    chance = generator("paired bootstrap", len(difference))
    picks = chance.integers(0, len(difference), (RESAMPLES, len(difference)))
    means = difference[picks].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Verdict(_means(first), _means(second), float(low), float(high), len(difference))


def per_search(examples: Examples, scores: FloatArray) -> dict[str, DoubleArray]:
    """Return measure -> (searches,) of one ordering; ties fall against us (the unrewarded first)."""
    order = np.lexsort((examples.labels, -scores, examples.groups))
    groups, labels = examples.groups[order], examples.labels[order].astype(np.float64)
    number, start = np.unique(groups, return_index=True)
    rank = _within(groups, start)
    gain = np.where(rank <= 10, labels / np.log2(rank + 1), 0.0)
    best = examples.labels[np.lexsort((-examples.labels, examples.groups))].astype(np.float64)
    ideal = np.where(rank <= 10, best / np.log2(rank + 1), 0.0)
    dcg, idcg = (np.add.reduceat(values, start) for values in (gain, ideal))
    reciprocal = np.maximum.reduceat(np.where(labels > 0, 1.0 / rank, 0.0), start)
    return {"nDCG@10": dcg / np.maximum(idcg, 1e-12), "RR": reciprocal}


def _within(groups: IntArray, start: np.ndarray) -> DoubleArray:
    sizes = np.diff(np.append(start, len(groups)))
    rank: DoubleArray = np.arange(1.0, len(groups) + 1.0) - np.repeat(start, sizes)
    return rank


def _means(measures: dict[str, DoubleArray]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in measures.items()}
