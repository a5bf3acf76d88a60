r"""What would another policy have been worth? Estimators over logged rewards and odds; pure array functions.

Every estimate is a function of a few sums over searches, so one cluster bootstrap serves all of them. In the words of
the position-based model, an entity e at position k of search i is rewarded with chance ``theta_k r_i(e)``, and

    A(e) = sum over positions k of  theta_k * (odds that e stands at k)

is how much it is examined under a policy: the logging policy's is logged, the target's is computed. Then

* ``ips``    mean of  sum over shown e of  A_t(e) / A_0(e) * reward                 (Li et al., KDD 2018)
* ``snips``  the same over its own total weight, times the target's mass             (Swaminathan and Joachims, 2015)
* ``dr``     mean of  sum over all e of A_t(e) r^(e)  +  sum over shown e of  A_t(e) / A_0(e) * (reward - theta_k r^(e))
             (Dudik, Langford and Li, ICML 2011; for rankings Oosterhuis, TOIS 2023)
* ``slate``  mean of  odds of the whole page under the target / under the log * its reward
* ``pi``     pseudo-inverse (Swaminathan et al., NeurIPS 2017), where rewards add up over positions
* ``replay`` mean reward of the pages that the target would have shown too, from a log of uniform odds (Li et al., 2011)

A plain bandit log is the case of one entity a page that is always examined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import BoolArray, DoubleArray

Places = NDArray[np.int64]
RESAMPLES = 1_000
LEVEL = 0.95
_AT_ONCE = 4_000_000  # numbers drawn at a time


@dataclass(frozen=True, slots=True)
class Exposures:
    """Logged rewards with what is needed to weigh them for one target.

    search    -- (n,) which search (0..s-1) a shown entity belongs to
    reward    -- (n,) what it earned
    weight    -- (n,) >= 0: A_t / A_0
    examined  -- (n,) 0..1: theta at the position where it stood
    predicted -- (n,) r^: predicted reward if examined, of a model that did not see this search
    mass      -- (s,) the target's total A_t in each search
    direct    -- (s,) sum over all its entities of A_t r^
    cluster   -- (s,) which session (0..c-1) a search belongs to
    """

    search: Places
    reward: DoubleArray
    weight: DoubleArray
    examined: DoubleArray
    predicted: DoubleArray
    mass: DoubleArray
    direct: DoubleArray
    cluster: Places

    def carried(self) -> DoubleArray:
        """Return (s,): how much of the target's mass each search carries; its mean is the supported mass."""
        return self._per_search(self.weight * self.examined)

    def sums(self) -> dict[str, DoubleArray]:
        """Return the columns, each (s,), that the estimators are functions of."""
        return {
            "searches": np.ones(len(self.mass)),
            "earned": self._per_search(self.weight * self.reward),
            "carried": self.carried(),
            "mass": self.mass,
            "doubly": self.direct + self._per_search(self.weight * (self.reward - self.examined * self.predicted)),
        }

    def _per_search(self, values: DoubleArray) -> DoubleArray:
        return np.bincount(self.search, values, minlength=len(self.mass)).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Estimate:
    """An off-policy value with what speaks for and against it.

    value       -- reward a search; low, high -- bootstrap interval by session at 95 %
    ess         -- effective sample size, in searches
    largest     -- share of the largest weight in the sum of all
    unsupported -- share of the target's mass that the log never shows, 0..1
    """

    estimator: str
    value: float
    low: float
    high: float
    ess: float
    largest: float
    unsupported: float
    searches: int


Value = Callable[[dict[str, DoubleArray]], DoubleArray]

_VALUES: dict[str, Value] = {
    "ips": lambda sums: _over(sums["earned"], sums["searches"]),
    "snips": lambda sums: _over(sums["earned"], sums["carried"]) * _over(sums["mass"], sums["searches"]),
    "dr": lambda sums: _over(sums["doubly"], sums["searches"]),
}
BY_EXPOSURE = tuple(_VALUES)


def estimate(logged: Exposures, estimator: str) -> Estimate:
    """Return one of ``ips``, ``snips``, ``dr`` with its interval and diagnostics.

    >>> one = np.ones(200)
    >>> logged = Exposures(np.arange(200), one * 0.5, one, one, one * 0, one, one * 0, np.arange(200))
    >>> found = estimate(logged, "snips")
    >>> found.value, found.ess, found.unsupported
    (0.5, 200.0, 0.0)
    """
    return _estimated(estimator, logged.sums(), _VALUES[estimator], logged.cluster)


def of_pages(reward: DoubleArray, weight: DoubleArray, cluster: Places, estimator: str) -> Estimate:
    """Return ``slate`` or ``pi`` from one reward and one weight a page.

    A pseudo-inverse weight may be negative: diagnostics are of absolute weights.
    """
    every = np.ones(len(reward))
    sums = {"searches": every, "earned": weight * reward, "carried": weight, "mass": every}
    return _estimated(estimator, sums, _VALUES["ips"], cluster)


def replayed(reward: DoubleArray, matched: BoolArray, cluster: Places) -> Estimate:
    """Return the mean reward where the target would have shown the very page; needs a log of uniform odds."""
    weight = matched.astype(np.float64)
    every = np.ones(len(reward))
    # where nothing matches nothing is supported; where odds are uniform, a match is all the support there can be
    mass = every if not matched.any() else weight
    sums = {"searches": every, "earned": weight * reward, "carried": weight, "mass": mass}
    return _estimated("replay", sums, lambda of: _over(of["earned"], of["carried"]), cluster)


def pseudo_inverse_slots(weight: DoubleArray) -> DoubleArray:
    """Return (pages,) pseudo-inverse weights where the log fills positions independently: ``1 - K + sum of weights``.

    weight -- (pages, K) target's odds over logged odds, per position

    >>> pseudo_inverse_slots(np.array([[2.0, 1.0, 0.5]]))
    array([1.5])
    """
    found: DoubleArray = 1.0 - weight.shape[1] + weight.sum(axis=1)
    return found


def effective_sample_size(weight: DoubleArray) -> float:
    """Return ``(sum w)^2 / sum w^2`` (Kish), 0 for no weight at all.

    >>> effective_sample_size(np.array([1.0, 1.0, 0.0, 0.0]))
    2.0
    """
    squares = float((weight * weight).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _estimated(name: str, columns: dict[str, DoubleArray], value: Value, cluster: Places) -> Estimate:
    totals = {key: np.array([column.sum()]) for key, column in columns.items()}
    low, high = _interval(columns, value, cluster)
    carried = np.abs(columns["carried"])
    mass = float(columns["mass"].sum())
    return Estimate(
        estimator=name,
        value=float(value(totals)[0]),
        low=low,
        high=high,
        ess=effective_sample_size(carried),
        largest=float(carried.max(initial=0.0) / max(carried.sum(), 1e-300)),
        unsupported=float(np.clip(1.0 - columns["carried"].sum() / mass, 0.0, 1.0)) if mass > 0 else 1.0,
        searches=len(cluster),
    )


def _interval(columns: dict[str, DoubleArray], value: Value, cluster: Places) -> tuple[float, float]:
    """Resample sessions with replacement: searches of one person are not independent."""
    count = int(cluster.max(initial=-1)) + 1
    if count < 2:
        return float("nan"), float("nan")
    table = np.stack([np.bincount(cluster, column, minlength=count) for column in columns.values()], axis=1)  # (c, m)
    chance = generator("sessions", count)
    size = max(1, _AT_ONCE // count)
    values = []
    for start in range(0, RESAMPLES, size):
        picks = chance.integers(0, count, (min(size, RESAMPLES - start), count))
        times = np.stack([np.bincount(row, minlength=count) for row in picks]).astype(np.float64)
        values.append(value(dict(zip(columns, (times @ table).T, strict=True))))
    every = np.concatenate(values)
    every = every[np.isfinite(every)]
    if not len(every):
        return float("nan"), float("nan")
    total = table.sum(axis=0)
    without = value(dict(zip(columns, (total - table).T, strict=True)))  # (c,): each session left out in turn
    found = value(dict(zip(columns, total[:, None], strict=True)))[0]
    low, high = np.quantile(every, _corrected(every, float(found), without[np.isfinite(without)]))
    return float(low), float(high)


def _corrected(resampled: DoubleArray, found: float, without: DoubleArray) -> tuple[float, float]:
    """Return the quantiles to take: bias-corrected and accelerated (Efron, JASA 1987).

    Sums of a few heavy weights are skewed, and plain percentiles then end too early on the long side.
    """
    normal = NormalDist()
    below = float((resampled < found).mean() + (resampled == found).mean() / 2)
    bias = normal.inv_cdf(min(max(below, 1e-3), 1 - 1e-3))
    spread = without.mean() - without if len(without) else np.zeros(1)
    squares = float((spread**2).sum())
    skew = float((spread**3).sum()) / (6.0 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for share in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        moved = bias + normal.inv_cdf(share)
        ends.append(normal.cdf(bias + moved / max(1.0 - skew * moved, 1e-6)))
    return ends[0], ends[1]


def _over(above: DoubleArray, below: DoubleArray) -> DoubleArray:
    ratio: DoubleArray = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
    return ratio
