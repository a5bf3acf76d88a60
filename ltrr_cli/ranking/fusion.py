"""Fusion of lists: weighted, by scores (serves untrained) and by ranks (the baseline everybody knows).

Scores say what ranks hide: how much better the first is than the second. Bruch et al. (TOIS 2023) find a convex
combination of normalised scores above reciprocal rank fusion (Cormack et al., SIGIR 2009); so do our own figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ltrr_cli.core.types import FloatArray

RANK_CONSTANT = 60.0  # of the paper: how little the very first ranks differ
_POPULARITY = 0.05  # of one best score: enough to order what strategies do not tell apart
_BROUGHT = 0.05  # gain of the last of a list: it was brought, after all
BY_RANK, BY_RANK_OF_CATALOG = 0.5, 0.4  # of the gain where all candidates have a score: beside either kind of encoder
_RANK_SOFTNESS = 20.0  # half of what is gained by rank is left at 21
PRETRAINED, FROM_CATALOG = 1.0, 0.4  # weights of an encoder beside 1 of full text before anybody clicked
OTHERS, OTHERS_OF_CATALOG = 0.15, 0.5  # shares of their weights that other strategies keep beside these two


@dataclass(frozen=True, slots=True)
class CandidateScore:
    """How a strategy scores every candidate, whoever brought it.

    column  -- the feature that holds this score
    least   -- the lowest score that there can be; None: the lowest of the candidates says where the scale begins
    by_rank -- 0..1, share of what it gives that goes by rank
    """

    column: str
    least: float | None = None
    by_rank: float = BY_RANK


NO_SCORES: Mapping[int, CandidateScore] = {}


def lead(weights: FloatArray, lexical: int, dense: int, *, pretrained: bool) -> FloatArray:
    """Return (s,) weights where something else than a name is asked for: full text and the encoder lead together.

    Known items are asked for in their own words, so they cannot show what an encoder knows beyond these. What was
    trained on other texts counts as much as full text, which is best where nothing of the catalog is known; what the
    catalog taught as much as known items say, but less than half, and the others keep more beside it.

    weights -- (s,) of known items; lexical, dense -- places of these two strategies

    >>> lead(np.array([1.0, 0.5, 0.25], np.float32), 0, 1, pretrained=True).round(2).tolist()
    [1.0, 1.0, 0.03999999910593033]
    """
    most = float(weights.max(initial=0.0))
    leading: FloatArray = ((OTHERS if pretrained else OTHERS_OF_CATALOG) * weights).astype(np.float32)
    leading[lexical] = most
    leading[dense] = PRETRAINED * most if pretrained else min(FROM_CATALOG * most, float(weights[dense]))
    return leading


def blend(
    scores: FloatArray,
    weights: FloatArray,
    popularity: FloatArray | None,
    whole: Mapping[int, CandidateScore] = NO_SCORES,
) -> FloatArray:
    """Return (n,) float32: ``sum_a w_a gain_a``, plus a little for popularity.

    scores     -- (n, s), NaN where a strategy did not bring the candidate
    whole      -- place of a strategy -> how it scores every candidate (then NaN: they have nothing in common)
    weights    -- (s,) >= 0; where all that brought anything weigh nothing, they count alike
    popularity -- (n,) any scale, NaN where unknown
    """
    gain = gains(scores)
    for place, score in whole.items():
        gain[:, place] = _gain_of_all(scores[:, place], gain[:, place], score)
    fused = gain @ weights
    if not fused.any():
        fused = gain.sum(axis=1)
    if popularity is not None and len(fused):
        known = np.where(np.isnan(popularity), np.float32(0.0), popularity)
        largest = float(known.max())
        if largest > 0:
            fused = fused + _POPULARITY * float(weights.max(initial=0.0)) * known / largest
    blended: FloatArray = fused.astype(np.float32)
    return blended


def gains(scores: FloatArray) -> FloatArray:
    """Return (n, s) float32 in 0..1: each strategy's scores from its lowest (0.05) to its highest (1), 0 for none.

    A list of several that all score alike says who belongs, not who leads: each gains the middle.

    >>> gains(np.array([[9.0, np.nan], [5.0, 2.0], [1.0, np.nan]], np.float32))[:, 0].tolist()
    [1.0, 0.5249999761581421, 0.05000000074505806]
    """
    if not len(scores):
        return np.zeros(scores.shape, np.float32)
    high, low = np.fmax.reduce(scores, axis=0), np.fmin.reduce(scores, axis=0)  # NaN where there is no other
    span = high - low
    several = span > 0
    share = (scores - np.where(several, low, 0.0)) / np.where(several, span, 1.0)
    if not several.all():
        alike = np.where(np.isfinite(scores).sum(axis=0) > 1, 0.5, 1.0)
        share = np.where(several, share, np.where(np.isfinite(scores), alike, np.nan))
    gain: FloatArray = (_BROUGHT + (1.0 - _BROUGHT) * share).astype(np.float32, copy=False)
    gain[np.isnan(gain)] = 0.0
    return gain


def _gain_of_all(scores: FloatArray, gain: FloatArray, scale: CandidateScore) -> FloatArray:
    """Return (n,) gains of a strategy that scores every candidate, by score and by rank.

    Scores tell the first few apart; further down, where scores of two strategies are least comparable, ranks do better.

    gain -- (n,) by score, from the lowest to the highest of the candidates
    """
    known = np.isfinite(scores)
    if not known.any():
        return gain
    highest = float(scores[known].max())
    if scale.least is not None and highest > scale.least:
        gain = np.where(known, (scores - np.float32(scale.least)) / np.float32(highest - scale.least), 0.0)
    ordered = np.sort(-scores[known])
    above, upto = np.searchsorted(ordered, -scores, "left"), np.searchsorted(ordered, -scores, "right")
    by_rank = (_RANK_SOFTNESS + 1.0) / (_RANK_SOFTNESS + 0.5 * (above + upto + 1))  # ties share the middle rank
    mixed = (1.0 - scale.by_rank) * gain + scale.by_rank * np.where(known, by_rank, 0.0)
    return mixed.astype(np.float32)


def fuse(ranks: FloatArray) -> FloatArray:
    """Return (n,) float32, equal-weight reciprocal rank fusion: ``sum_a 1 / (60 + rank_a)``.

    ranks -- (n, s) from 1, NaN where a strategy did not bring the candidate
    """
    fused: FloatArray = np.nan_to_num(1.0 / (RANK_CONSTANT + ranks)).sum(axis=1).astype(np.float32)
    return fused


def prior_share(scores: FloatArray) -> FloatArray:
    """Return scores as a distribution over the candidates (sums to 1, or to 0 for none)."""
    share: FloatArray = scores / np.float32(max(float(scores.sum()), 1e-9))
    return share
