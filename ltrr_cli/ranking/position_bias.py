"""What a click at a position is worth: examination from the page's own experiments, and inverse propensities.

A click needs two things: the entity is wanted, and the position was looked at (Richardson et al., WWW 2007). Where an
entity could have stood at either of two positions with known odds, the ratio of its clicks there is the ratio of the
positions' examination, whatever it is worth (Joachims et al., WSDM 2017; Agarwal et al., WSDM 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray

PRIOR_SLOPE = 0.7  # before any data, examination falls as position ** -0.7, between eye tracking's .5 and 1
PRIOR_DEVIATION = 0.3  # of the logarithm of each step from one position to the next
FLOOR = 0.1  # propensities below it count as it: where sessions are few, one lucky click must not decide
LOWEST_FLOOR = 0.02
FULL_FLOOR_SESSIONS = 10_000  # up to here the floor stays; then it sinks with the square root
HALF_TEMPER_SESSIONS = 1_000  # sessions at which half of the (logarithmic) correction is applied


@dataclass(frozen=True, slots=True)
class Examination:
    """The chance that a position is looked at, relative to the first.

    curve     -- (p,) float64, 0 < c <= 1, the first is 1
    deviation -- (p,) float64, posterior standard deviation of its logarithm; the prior's own where nothing was learnt
    """

    curve: DoubleArray
    deviation: DoubleArray


def examination(positions: IntArray, clicks: FloatArray, odds: DoubleArray) -> Examination:
    """Estimate examination from shown lines.

    positions -- (n,) from 1, where the entity stood
    clicks    -- (n,) >= 0, what came of it
    odds      -- (n, p) the chance of the entity to stand at each position, as logged

    For every two positions a < b, lines that could have stood at both are compared with overlap weights
    (``odds_a odds_b / odds of where it stood``), which never blow up. The logarithms of these ratios, each as sure as
    its clicks are many, and a prior on every step are solved together by least squares. What the experiments leave
    open (a protected top) stays with the prior. Raises DataError for lines that do not fit together.
    """
    lines, depth = odds.shape
    if len(positions) != lines or len(clicks) != lines:
        raise DataError(f"{len(positions)} positions, {len(clicks)} clicks, {lines} lines of odds")
    inside = positions <= depth
    if (positions < 1).any() or (odds[np.flatnonzero(inside), positions[inside] - 1] <= 0).any():
        raise DataError("a line stood where its odds say that it could not", hint="positions count from 1")
    precision, toward = _prior(depth)
    for upper in range(depth):
        for lower in range(upper + 1, depth):
            step, sure = _ratio(positions, clicks, odds, upper, lower)
            if sure > 0:
                direction = np.zeros(depth)
                direction[lower], direction[upper] = 1.0, -1.0
                precision += sure * np.outer(direction, direction)
                toward += sure * step * direction
    # the first position is the unit: its logarithm is 0
    spread = np.linalg.inv(precision[1:, 1:]) if depth > 1 else np.empty((0, 0))
    logarithm = np.concatenate([[0.0], spread @ toward[1:]])[:depth]
    deviation = np.concatenate([[0.0], np.sqrt(np.diag(spread))])[:depth]
    curve: DoubleArray = np.exp(np.clip(logarithm, -10.0, 0.0))
    return Examination(curve, deviation)


def _prior(depth: int) -> tuple[DoubleArray, DoubleArray]:
    precision, toward = np.zeros((depth, depth)), np.zeros(depth)
    for lower in range(1, depth):
        step = -PRIOR_SLOPE * np.log((lower + 1) / lower)
        direction = np.zeros(depth)
        direction[lower], direction[lower - 1] = 1.0, -1.0
        precision += np.outer(direction, direction) / PRIOR_DEVIATION**2
        toward += step * direction / PRIOR_DEVIATION**2
    return precision, toward


def _ratio(positions: IntArray, clicks: FloatArray, odds: DoubleArray, upper: int, lower: int) -> tuple[float, float]:
    """Return (log of lower's examination over upper's, its precision); precision 0 where clicks do not tell."""
    both = (odds[:, upper] > 0) & (odds[:, lower] > 0)
    above, below = both & (positions == upper + 1), both & (positions == lower + 1)
    worth_above = clicks[above] * odds[above, lower]
    worth_below = clicks[below] * odds[below, upper]
    total_above, total_below = float(worth_above.sum()), float(worth_below.sum())
    if total_above <= 0 or total_below <= 0:
        return 0.0, 0.0
    # delta method: Var(log sum) = sum of squares / square of sum
    variance = float((worth_above**2).sum()) / total_above**2 + float((worth_below**2).sum()) / total_below**2
    return float(np.log(total_below / total_above)), 1.0 / variance


def propensities(odds: DoubleArray, curve: DoubleArray) -> DoubleArray:
    """Return (n,): the chance that each line was looked at, over all positions at which it could have stood.

    Averaging over positions rather than taking the one drawn is as unbiased and steadier (Oosterhuis & de Rijke,
    SIGIR 2020).

    >>> propensities(np.array([[1.0, 0.0], [0.25, 0.75]]), np.array([1.0, 0.5])).tolist()
    [1.0, 0.625]
    """
    chance: DoubleArray = odds @ curve
    return chance


def inverse_weights(propensity: DoubleArray, sessions: int) -> FloatArray:
    """Return (n,) float32 >= 1: ``max(propensity, floor) ** -temper``.

    The correction is tempered (an exponent below 1) and clipped (a floor of .1) while sessions are few, because its
    variance then costs more than the bias that it removes; both give way as sessions grow.

    >>> inverse_weights(np.array([1.0, 0.25]), sessions=0).tolist()
    [1.0, 1.0]
    >>> np.round(inverse_weights(np.array([1.0, 0.25, 0.01]), sessions=1_000).astype(float), 3).tolist()
    [1.0, 2.0, 3.162]
    """
    temper = sessions / (sessions + HALF_TEMPER_SESSIONS)
    floor = np.clip(FLOOR * np.sqrt(FULL_FLOOR_SESSIONS / max(sessions, 1)), LOWEST_FLOOR, FLOOR)
    weights: FloatArray = (np.clip(propensity, floor, 1.0) ** -temper).astype(np.float32)
    return weights


def gains(lines: IntArray, clicks: FloatArray, weights: FloatArray, count: int) -> FloatArray:
    """Return (count,) float32: per line of a judged set, the mean of its weighted clicks, 0 where never shown.

    lines -- (n,) which of ``count`` (query, entity) lines each impression showed

    >>> gains(np.array([0, 0, 2]), np.array([1.0, 0.0, 1.0]), np.array([4.0, 4.0, 1.0]), 3).tolist()
    [2.0, 0.0, 1.0]
    """
    shown = np.bincount(lines, minlength=count)
    total = np.bincount(lines, clicks * weights, minlength=count)
    mean: FloatArray = (total / np.maximum(shown, 1)).astype(np.float32)
    return mean
