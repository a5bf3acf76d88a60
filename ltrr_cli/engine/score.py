"""The untrained score of a page: what worked before, with fusion as its prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.fusion import blend, prior_share
from ltrr_cli.ranking.model import Model, Schema

NOTHING: Mapping[str, str] = MappingProxyType({})
WHO = "personal."  # columns of what is known of who asks


def untrained(
    schema: Schema,
    features: FloatArray,
    candidates: Candidates,
    weights: FloatArray,
    scored_as: Mapping[str, str] = NOTHING,
) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many. Who asks multiplies the odds where
    their past says something (a product of experts): ``exp(lift)``, see ``retrieval.lift``.

    scored_as -- strategy -> the column that holds its score of every candidate, whoever brought it
    """
    candidates = replace(candidates, scores=_scores(schema, features, candidates, scored_as))
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


def _scores(schema: Schema, features: FloatArray, candidates: Candidates, scored_as: Mapping[str, str]) -> FloatArray:
    """Return (n, s) scores, those of strategies that can score any candidate without gaps.

    A gap would count as the worst score, though the strategy may only have been cut off above it.
    """
    scores = candidates.scores.copy()
    for place, name in enumerate(candidates.strategies):
        column = _column(schema, features, scored_as[name]) if name in scored_as else None
        if column is not None:
            scores[:, place] = column
    return scores


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
