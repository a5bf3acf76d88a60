"""The untrained score of a page: what worked before, with fusion as its prior."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.fusion import blend, prior_share
from ltrr_cli.ranking.model import Model, Schema

WHO = "personal."  # columns of what is known of who asks


def untrained(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many. Who asks multiplies the odds where
    their past says something (a product of experts): ``exp(lift)``, see ``retrieval.lift``.
    """
    page = _page(schema, features, candidates, weights)
    return prior_share(page * np.exp(lift_of(schema, features)))


def lift_of(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32, the log-odds that a person's past adds; 0 where nothing is known."""
    lift = _column(schema, features, f"{WHO}lift")
    return np.zeros(len(features), np.float32) if lift is None else np.nan_to_num(lift)


def anonymous(schema: Schema, features: FloatArray) -> FloatArray:
    """Return the features as a ranker sees them: without what is known of who asks.

    A ranker says what is good for a query, a person's past what is good for the person; each is learnt where it shows.
    Logs where everybody is known would else teach rankers things that cost the pages of strangers.
    """
    known = [place for place, name in enumerate(schema.names) if name.startswith(WHO)]
    seen = features.copy()
    seen[:, known] = np.nan
    return seen


def by_ranker(model: Model, schema: Schema, features: FloatArray, baseline: FloatArray) -> FloatArray:
    """Return (n,) float32: a ranker's scores beside the untrained score, both lifted by who asks."""
    return corrected(model.score(anonymous(schema, features)) + lift_of(schema, features), baseline)


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
