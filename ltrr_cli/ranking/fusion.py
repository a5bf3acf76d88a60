"""Fusion of lists: weighted, by scores (serves untrained) and by ranks (the baseline everybody knows).

Scores say what ranks hide: how much better the first is than the second. Bruch et al. (TOIS 2023) find a convex
combination of normalised scores above reciprocal rank fusion (Cormack et al., SIGIR 2009); so do our own figures.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import FloatArray

RANK_CONSTANT = 60.0  # of the paper: how little the very first ranks differ
_POPULARITY = 0.05  # of one best score: enough to order what strategies do not tell apart
_BROUGHT = 0.05  # gain of the last of a list: it was brought, after all


def blend(scores: FloatArray, weights: FloatArray, popularity: FloatArray | None) -> FloatArray:
    """Return (n,) float32: ``sum_a w_a gain_a``, plus a little for popularity.

    scores     -- (n, s), NaN where a strategy did not bring the candidate
    weights    -- (s,) >= 0; where all that brought anything weigh nothing, they count alike
    popularity -- (n,) any scale, NaN where unknown
    """
    gain = gains(scores)
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
