"""The untrained score of a page: what worked before, with fusion as its prior, and what a past adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from ltrr_cli.core.intent import surely
from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.engine.match import called, column, fitting, known, named, told_apart
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.fusion import CandidateScore, blend, prior_share
from ltrr_cli.ranking.model import Model, Schema

NOTHING: Mapping[str, CandidateScore] = MappingProxyType({})
WHO = "personal."  # columns of what is known of who asks
TOLD = 3.0  # actions on a query that outweigh what its words tell apart
LEAST = 1e-9  # share of a page, so that logarithms are finite


def untrained(
    schema: Schema,
    features: FloatArray,
    candidates: Candidates,
    weights: FloatArray,
    scored_as: Mapping[str, CandidateScore] = NOTHING,
) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates, whoever asks.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many. What is fused is told apart by what
    only some of the candidates have of the query (``match.told_apart``), and where the query is somebody's name as it
    stands, the odds that a name is meant belong to who bears it.

    scored_as -- strategy -> how it scores every candidate, whoever brought it
    """
    scores, whole = _scores(schema, features, candidates, scored_as)
    candidates = replace(candidates, scores=scores)
    weights = _believed(schema, features, candidates, weights)
    fused = blend(candidates.scores, weights, column(schema, features, "entity.popularity"), whole)
    apart = told_apart(schema, features)
    fused = prior_share(fused * apart)
    bearing = called(schema, features)
    if bearing.any():
        meant = surely(named(schema, features) * float(bearing.max()))
        fused = (1.0 - meant) * fused + meant * prior_share((fused + LEAST) * bearing)
    belief = column(schema, features, "memory.belief")
    share = column(schema, features, "memory.prior_share")
    if belief is None or share is None:
        return fused
    acted = float(np.expm1(known(schema, features, "memory.own_count")).sum())  # for this very query
    belief = belief * (1.0 - (1.0 - apart) * TOLD / (TOLD + acted))
    return prior_share(((1.0 - share) * belief + share * fused).astype(np.float32))


def _believed(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    """Return the weights of fusion, the memory's lessened where all that it has are choices for single words."""
    spoken_for = column(schema, features, "memory.spoken_for")
    if spoken_for is None or "memory" not in candidates.strategies or not len(features):
        return weights
    lessened = weights.copy()
    lessened[candidates.strategies.index("memory")] *= float(spoken_for.max())
    return lessened


def lift_of(schema: Schema, features: FloatArray, page: FloatArray) -> FloatArray:
    """Return (n,) float32, the log-odds that a person's past adds to each candidate of a page; 0 where it says nothing.

    page -- (n,) what everybody would be shown, a distribution over the candidates

    A past says what else somebody may like, not what they mean by a name. So a page is a mixture by the odds ``m`` that
    a name is meant: of the candidates that are called so, whoever asks, and of all of them multiplied by ``exp(lift)``
    (a product of experts, see ``retrieval.people.personal_score``). Nobody's past can hide what they ask for by name.
    """
    lift = known(schema, features, f"{WHO}lift")
    if not lift.any():
        return lift
    fit = fitting(schema, features)
    meant = surely(named(schema, features) * float(fit.max(initial=0.0)))
    mixed = meant * prior_share(page * fit) + (1.0 - meant) * prior_share(page * np.exp(lift))
    changed: FloatArray = (np.log(np.maximum(mixed, LEAST)) - np.log(np.maximum(page, LEAST))).astype(np.float32)
    return changed


def anonymous(schema: Schema, features: FloatArray) -> FloatArray:
    """Return the features as a ranker sees them: without what is known of who asks.

    A ranker says what is good for a query, a person's past what is good for the person; each is learnt where it shows.
    Logs where everybody is known would else teach rankers things that cost the pages of strangers.
    """
    known = [place for place, name in enumerate(schema.names) if name.startswith(WHO)]
    seen = features.copy()
    seen[:, known] = np.nan
    return seen


def by_ranker(model: Model, schema: Schema, features: FloatArray, page: FloatArray, lift: FloatArray) -> FloatArray:
    """Return (n,) float32: a ranker's scores beside the untrained score, both lifted by who asks.

    page -- (n,) the untrained score, whoever asks; lift -- (n,) log-odds of ``lift_of``
    """
    return corrected(model.score(anonymous(schema, features)) + lift, lifted(page, lift), model.anchor)


def _scores(
    schema: Schema, features: FloatArray, candidates: Candidates, scored_as: Mapping[str, CandidateScore]
) -> tuple[FloatArray, dict[int, CandidateScore]]:
    """Return (n, s) scores, those of strategies that can score any candidate without gaps; and the places of these.

    A gap would count as the worst score, though the strategy may only have been cut off above it.
    """
    scores, whole = candidates.scores.copy(), {}
    for place, name in enumerate(candidates.strategies):
        known = column(schema, features, scored_as[name].column) if name in scored_as else None
        if known is not None:
            scores[:, place], whole[place] = known, scored_as[name]
    return scores, whole


def lifted(page: FloatArray, lift: FloatArray) -> FloatArray:
    """Return a page as a past changes it, a distribution over the candidates.

    >>> print(lifted(np.array([0.5, 0.5], np.float32), np.array([0.0, np.log(3)], np.float32)))
    [0.25 0.75]
    """
    return prior_share(page * np.exp(lift))
