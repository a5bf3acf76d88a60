"""Does a candidate match what was asked, or is it only recommended? And what sets it apart from others that match?

All of it is read from the features of a candidate set, so that training, replay and serving see the same.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import BoolArray, FloatArray
from ltrr_cli.ranking.candidate_features import MATCHING
from ltrr_cli.ranking.model import Schema
from ltrr_cli.ranking.name_odds import name_odds

STRICT = 3.0  # log-odds that a number, code or sign that was asked for costs who lacks it
AS_MUCH = 0.02  # share of the other words by which an entity may fall behind and still hold as much
UNMATCHED = 0.05  # of its fused score, what an entity keeps that nothing of the query speaks for where others match
LIKE_A_NAME = 0.6  # likeness of a name below which it is another name
NEAR = 0.5  # cosine from which an embedding says that a text is about what was asked
FITTING = 4  # power of how much of a query and of a title are in each other
LOW_ODDS = 0.01  # of a structured match that is mere chance

# columns that speak for a candidate, and the value above which they do
_SPEAKING = (
    ("lexical.held", 0.0),
    ("structured.match", LOW_ODDS),
    ("fuzzy.score", LIKE_A_NAME),
    ("fuzzy.called", 0.0),
    ("dense.cosine", NEAR),
    ("sparse.score", 0.0),
    ("memory.own_count", 0.0),
    ("memory.near_count", 0.0),
)


def matching(schema: Schema, features: FloatArray) -> BoolArray:
    """Return (n,) bool: for which candidates something of the query speaks: words, a name, a value, past choices.

    All do where there are no words: then everything is a recommendation that was asked for.
    """
    if not float(known(schema, features, "query.tokens")[:1].sum()):
        return np.ones(len(features), np.bool_)
    found = np.zeros(len(features), np.bool_)
    for name, least in _SPEAKING:
        found |= known(schema, features, name) > least
    held = column(schema, features, "lexical.held")
    if held is None or np.isnan(held).any():
        found |= np.isfinite(filled(schema, features, "lexical.bm25"))
    return found


def told_apart(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1, what each candidate keeps of its fused score.

    Who lacks a number, a code or a sign that was asked for stands below who has it and has as much of the other words;
    popularity is no reason to show another number. Who has less of the other words keeps no more than who has more: to
    share a number alone is little. Who matches nothing at all stands below who matches something.
    """
    told = column(schema, features, MATCHING[0])
    matches = matching(schema, features) if told is None or np.isnan(told).any() else told > 0
    kept = np.where(matches, 1.0, UNMATCHED)
    if not (kept == 1.0).any():
        kept[:] = 1.0
    lacking, words = filled(schema, features, "lexical.lacking"), filled(schema, features, "lexical.words")
    if not len(lacking) or not np.isfinite(lacking).all():
        return kept.astype(np.float32)
    order = np.argsort(-words, kind="stable")
    ordered = -words[order]
    least = np.minimum.accumulate(lacking[order])
    as_much = np.searchsorted(ordered, -(words - AS_MUCH), "right") - 1  # the last that has as much of the words
    cost = lacking - least[as_much]
    most = np.maximum.accumulate(cost[order])
    more = np.searchsorted(ordered, -(words + AS_MUCH), "left") - 1  # the last that has more of them
    cost = np.where(more >= 0, np.maximum(cost, most[np.maximum(more, 0)]), cost)
    apart: FloatArray = (kept * np.exp(-STRICT * cost)).astype(np.float32)
    return apart


def called(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1: whether a candidate is called exactly as was asked, or has this id."""
    bearing: FloatArray = np.maximum(known(schema, features, "fuzzy.called"), known(schema, features, "structured.id"))
    return bearing


def fitting(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1: how surely each candidate is what the query calls by a name."""
    coverage, density = (known(schema, features, f"lexical.title_{what}") for what in ("coverage", "density"))
    fit: FloatArray = np.maximum((coverage * density**0.25) ** FITTING, called(schema, features))
    return fit


def named(schema: Schema, features: FloatArray) -> float:
    """Return the odds that one thing is asked for by its name; 0 without words."""
    return float(name_odds(schema, features[:1]).sum())


def column(schema: Schema, features: FloatArray, name: str) -> FloatArray | None:
    """Return a column, None where there is none."""
    place = schema.places.get(name)
    return None if place is None else features[:, place]


def filled(schema: Schema, features: FloatArray, name: str) -> FloatArray:
    """Return a column, NaN where it is missing."""
    found = column(schema, features, name)
    return np.full(len(features), np.nan, np.float32) if found is None else found


def known(schema: Schema, features: FloatArray, name: str) -> FloatArray:
    """Return a column, 0 where it is missing or says nothing."""
    found = column(schema, features, name)
    if found is None:
        return np.zeros(len(features), np.float32)
    said: FloatArray = np.where(np.isnan(found), np.float32(0.0), found)
    return said
