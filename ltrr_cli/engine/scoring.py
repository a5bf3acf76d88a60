"""The untrained score of a page: what worked before, with fusion as its prior."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.ranking.base import Schema
from ltrr_cli.ranking.fusion import blend, prior_share


def untrained(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many. Who asks multiplies the odds where
    their past says something (a product of experts): ``exp(lift)``, see ``retrieval.lift``.
    """
    page, lift = _page(schema, features, candidates, weights), _column(schema, features, "personal.lift")
    return page if lift is None else prior_share(page * np.exp(np.nan_to_num(lift)))


def _page(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    fused = prior_share(blend(candidates.scores, weights, _column(schema, features, "entity.popularity")))
    belief = _column(schema, features, "memory.belief")
    share = _column(schema, features, "memory.prior_share")
    if belief is None or share is None:
        return fused
    mixed: FloatArray = ((1.0 - share) * belief + share * fused).astype(np.float32)
    return mixed


def _column(schema: Schema, features: FloatArray, name: str) -> FloatArray | None:
    return features[:, schema.names.index(name)] if name in schema.names else None
