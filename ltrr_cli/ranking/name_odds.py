"""How likely does a query ask for one thing by its name, as a ranker's features tell? Then it may have little to say.

What clicks teach is what is good among many. Where a name is meant, fusion mostly knows the one thing, and a ranker may
move what is new, or famous for something else. So a ranker may be silent by these odds (``anchor.silence_suffices``).
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.intent import surely
from ltrr_cli.core.types import FloatArray
from ltrr_cli.ranking.model import Schema

COLUMNS = ("query.tokens", "query.intent_spearfishing", "query.intent_mixed")


def name_odds(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32, the odds that each line's query asks for one thing by its name; 0 without words."""
    tokens, name, mixed = (_column(schema, features, column) for column in COLUMNS)
    odds: FloatArray = np.where(tokens > 0, np.minimum(name + np.float32(0.5) * mixed, 1.0), 0.0).astype(np.float32)
    return odds


def heard(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1, how much of a ranker's score is left where it is silent on names."""
    left: FloatArray = np.array([1.0 - surely(odds) for odds in name_odds(schema, features).tolist()], np.float32)
    return left


def _column(schema: Schema, features: FloatArray, name: str) -> FloatArray:
    place = schema.places.get(name)
    if place is None:
        return np.zeros(len(features), np.float32)
    return np.nan_to_num(features[:, place], nan=0.0)
