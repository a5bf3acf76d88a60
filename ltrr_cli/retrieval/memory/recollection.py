"""What the memory has to say on one request, and the small sums that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray

PARTS = ("own", "near", "words", "predicted", "fame")  # of a score: counts, similar queries' counts, and the prior's
NEAR_FADES = 10.0  # own actions above which the neighbours' share shrinks


@dataclass(frozen=True, slots=True)
class Recollection:
    """All evidence of the memory for one request: parallel arrays over the rows it thought of, ascending.

    own, near, bayes -- (n, COLUMNS) float32; counts, weighted counts, posterior shares per half-life
    users, last_h    -- (n,) float32; distinct users, hours since the last action (NaN: never)
    predicted        -- (n,) float32, sums to 1 at most
    against          -- (n,) float32, what spoke against each, own and near
    spoken_for       -- (n,) float32, 0..1, 1 where more than single words speak for each
    of_score         -- (n, 5) float32, what the score is made of: ``PARTS``
    score            -- (n,) float32, 0..1, their sum
    support          -- n in the formula above
    share            -- 0..1, how much of the score is prior
    """

    rows: IntArray
    own: FloatArray
    near: FloatArray
    bayes: FloatArray
    users: FloatArray
    last_h: FloatArray
    predicted: FloatArray
    against: FloatArray
    spoken_for: FloatArray
    of_score: FloatArray
    score: FloatArray
    support: float
    share: float


def near_share(acted: float) -> float:
    """Return what is left of the neighbours' counts beside so many actions of a query's own."""
    return min(1.0, NEAR_FADES / max(acted, 1e-9))


def leaning(chances: FloatArray, factor: FloatArray) -> FloatArray:
    """Multiply chances and bring them to the sum that they had."""
    product = chances * factor
    leant: FloatArray = product * (float(chances.sum()) / max(float(product.sum()), 1e-9))
    return leant


def shares(counts: FloatArray) -> FloatArray:
    """Divide each column by its sum (0 where there is nothing)."""
    shares: FloatArray = counts / np.maximum(counts.sum(axis=0), 1e-9)
    return shares


def placed(rows: IntArray, of: IntArray, values: FloatArray) -> FloatArray:
    """Spread values of ``of`` (a subset of sorted ``rows``) over ``rows``; 0 elsewhere."""
    spread = np.zeros((len(rows), *values.shape[1:]), np.float32)
    spread[np.searchsorted(rows, of)] = values
    return spread
