"""Page scores: what worked before with fusion as its prior, and a trained ranker on top of both."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.ranking.base import Schema
from ltrr_cli.ranking.fusion import blend, prior_share

ANCHOR = 2.0  # of the untrained score beside a ranker; 1 to 4 hardly differ, each collection left out chooses it
FLOOR = 1e-6  # of the untrained score, which may be 0


def untrained(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many.
    """
    fused = prior_share(blend(candidates.scores, weights, _column(schema, features, "entity.popularity")))
    belief = _column(schema, features, "memory.belief")
    share = _column(schema, features, "memory.prior_share")
    if belief is None or share is None:
        return fused
    mixed: FloatArray = ((1.0 - share) * belief + share * fused).astype(np.float32)
    return mixed


def corrected(model: FloatArray, baseline: FloatArray) -> FloatArray:
    """Return (n,) float32: a ranker's log-odds and the untrained score's logarithm, the latter ``ANCHOR`` times.

    A product of experts. What a log teaches of text and attributes can be too good to be true (the catalog may have
    been written after the clicks, or from them); the untrained score owes nothing to that.
    """
    scores: FloatArray = (model + ANCHOR * np.log(np.maximum(baseline, FLOOR))).astype(np.float32)
    return scores


def _column(schema: Schema, features: FloatArray, name: str) -> FloatArray | None:
    return features[:, schema.names.index(name)] if name in schema.names else None
