"""The untrained score of a page: what worked before, with fusion as its prior, and what a past adds to it."""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.fusion import blend, prior_share
from ltrr_cli.ranking.model import Model, Schema

WHO = "personal."  # columns of what is known of who asks
SURER = 4  # power of the odds that a name is meant: those of names lie above 1/2, those of topics below 1/3
FITTING = 4  # power of how much of a query and of a title are in each other
LEAST = 1e-9  # share of a page, so that logarithms are finite


def untrained(schema: Schema, features: FloatArray, candidates: Candidates, weights: FloatArray) -> FloatArray:
    """Return (n,) float32: ``(1 - s) belief + s fused``, each a distribution over the candidates, whoever asks.

    ``s`` is the memory's share of the prior (1 before any action on the query, towards 0 with support), so that
    fusion decides where nothing is known and actions decide where they are many.
    """
    fused = prior_share(blend(candidates.scores, weights, _column(schema, features, "entity.popularity")))
    belief = _column(schema, features, "memory.belief")
    share = _column(schema, features, "memory.prior_share")
    if belief is None or share is None:
        return fused
    return prior_share(((1.0 - share) * belief + share * fused).astype(np.float32))


def lift_of(schema: Schema, features: FloatArray, page: FloatArray) -> FloatArray:
    """Return (n,) float32, the log-odds that a person's past adds to each candidate of a page; 0 where it says nothing.

    page -- (n,) what everybody would be shown, a distribution over the candidates

    A past says what else somebody may like, not what they mean by a name. So a page is a mixture by the odds ``m`` that
    a name is meant: of the candidates that are called so, whoever asks, and of all of them multiplied by ``exp(lift)``
    (a product of experts, see ``retrieval.lift``). Nobody's past can hide what they ask for by its name.
    """
    lift = _known(schema, features, f"{WHO}lift")
    if not lift.any():
        return lift
    fit = _fit(schema, features)
    named = _named(schema, features) * float(fit.max(initial=0.0))
    named = named**SURER / (named**SURER + (1.0 - named) ** SURER)
    topic, called = prior_share(page * np.exp(lift)), prior_share(page * fit)
    lifted = named * called + (1.0 - named) * topic
    changed: FloatArray = (np.log(np.maximum(lifted, LEAST)) - np.log(np.maximum(page, LEAST))).astype(np.float32)
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
    return corrected(model.score(anonymous(schema, features)) + lift, lifted(page, lift))


def lifted(page: FloatArray, lift: FloatArray) -> FloatArray:
    """Return a page as a past changes it, a distribution over the candidates.

    >>> print(lifted(np.array([0.5, 0.5], np.float32), np.array([0.0, np.log(3)], np.float32)))
    [0.25 0.75]
    """
    return prior_share(page * np.exp(lift))


def _named(schema: Schema, features: FloatArray) -> float:
    """Return the odds that one thing is asked for by its name; 0 without words."""
    tokens, name, mixed = (
        float(_known(schema, features, f"query.{what}")[:1].sum())
        for what in ("tokens", "intent_spearfishing", "intent_mixed")
    )
    return min(name + 0.5 * mixed, 1.0) if tokens else 0.0


def _fit(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1: how surely each candidate is what the query calls by a name."""
    coverage, density = (_known(schema, features, f"lexical.title_{what}") for what in ("coverage", "density"))
    fit: FloatArray = (coverage * density**0.25) ** FITTING
    return fit


def _column(schema: Schema, features: FloatArray, name: str) -> FloatArray | None:
    return features[:, schema.names.index(name)] if name in schema.names else None


def _known(schema: Schema, features: FloatArray, name: str) -> FloatArray:
    """Return a column, 0 where it is missing or says nothing."""
    column = _column(schema, features, name)
    return np.zeros(len(features), np.float32) if column is None else np.nan_to_num(column)
