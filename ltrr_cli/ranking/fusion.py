"""Weighted reciprocal rank fusion (Cormack et al., SIGIR 2009), with popularity for what ties; serves untrained."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import FloatArray

RANK_CONSTANT = 60.0  # of the paper: how little the very first ranks differ
_POPULARITY = 0.05  # of one first rank: enough to order what strategies do not tell apart


def fuse(ranks: FloatArray, weights: FloatArray, popularity: FloatArray | None) -> FloatArray:
    """Return (n,) float32: ``sum_a w_a / (60 + rank_a)``, plus a little for popularity.

    ranks      -- (n, s) from 1, NaN where a strategy did not bring the candidate
    weights    -- (s,) >= 0; where all that brought anything weigh nothing, they count alike
    popularity -- (n,) any scale, NaN where unknown
    """
    gains = np.nan_to_num(1.0 / (RANK_CONSTANT + ranks))
    fused = gains @ weights
    if not fused.any():
        fused = gains.sum(axis=1)
    if popularity is not None and len(fused):
        known = np.nan_to_num(popularity)
        largest = float(known.max())
        if largest > 0:
            fused = fused + _POPULARITY / (RANK_CONSTANT + 1) * float(weights.max(initial=0.0)) * known / largest
    scores: FloatArray = fused.astype(np.float32)
    return scores


def prior_share(scores: FloatArray) -> FloatArray:
    """Return scores as a distribution over the candidates (sums to 1, or to 0 for none)."""
    share: FloatArray = scores / np.float32(max(float(scores.sum()), 1e-9))
    return share
