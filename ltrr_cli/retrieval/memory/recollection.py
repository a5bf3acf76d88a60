"""What the memory has to say on one request, and the small sums that it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray, MomentArray
from ltrr_cli.retrieval.counts.decayed_counts import COLUMNS
from ltrr_cli.retrieval.memory.prior import PRIOR

PARTS = ("own", "near", "words", "predicted", "fame")  # of a score: counts, similar queries' counts, and the prior's
BAYES_SHARE, PREDICTED_SHARE, POPULAR_SHARE = 0.3, 0.2, 1.0  # sources of the prior, each a distribution
Codes = TypeVar("Codes", IntArray, MomentArray)  # rows, or (query, row) in one number
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


def prior_alone(rows: IntArray, predicted: FloatArray, prior: FloatArray) -> Recollection:
    """Return what there is before anybody acted: what is predicted (n,), and the shares of the prior (n, 3) of it."""
    nothing, columns = np.zeros(len(rows), np.float32), np.zeros((len(rows), COLUMNS), np.float32)
    return Recollection(
        rows=rows,
        own=columns,
        near=columns,
        bayes=columns,
        users=nothing,
        last_h=np.full(len(rows), np.nan, np.float32),
        predicted=predicted,
        against=nothing,
        spoken_for=np.ones(len(rows), np.float32),
        of_score=np.column_stack([nothing, nothing, prior]).astype(np.float32),
        score=prior.sum(axis=1),
        support=0.0,
        share=1.0,
    )


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


def placed(rows: Codes, of: Codes, values: FloatArray) -> FloatArray:
    """Spread values of ``of`` (a subset of sorted ``rows``) over ``rows``; 0 elsewhere."""
    spread = np.zeros((len(rows), *values.shape[1:]), np.float32)
    spread[np.searchsorted(rows, of)] = values
    return spread


def prior_shares(
    popularity: FloatArray, predicted: FloatArray, bayes: FloatArray, strength: float, spoken_for: FloatArray
) -> FloatArray:
    """Return (n, 3) float32, the expected shares before any action, of its words, of what is predicted and of fame.

    All of it sums to 1 at most. A strong prior is made of what is predicted alone: back-off and fame repeat what
    the counts say anyway.

    popularity -- (n,) of the catalog, log1p
    spoken_for -- (n,) 0..1, 1 where more than single words speaks for an entity, else the square of the share of
                  the words: who was chosen for one word of two is hardly meant, however famous
    """
    known, bayes = popularity**2 * (spoken_for >= 1.0), bayes * spoken_for
    if strength > PRIOR:
        known, bayes = known * (predicted > 0), np.zeros_like(bayes)
    fame = POPULAR_SHARE * known / max(float(known.sum()), 1e-9)
    prior = np.column_stack([BAYES_SHARE * bayes, PREDICTED_SHARE * predicted, fame])
    expected: FloatArray = (prior / max(float(prior.sum()), 1.0)).astype(np.float32)
    return expected
