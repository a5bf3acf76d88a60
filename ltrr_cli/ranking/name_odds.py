"""How likely does a query ask for one thing by its name, as a ranker's features tell? Then it may have little to say.

What clicks teach is what is good among many. Where a name is meant, fusion mostly knows the one thing, and a ranker
may move what is new, or famous for something else. So a ranker may be silent by these odds
(``anchor.silence_suffices``), the less the more people have acted on the query: what many chose is not new.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.intent import surely
from ltrr_cli.core.types import FloatArray
from ltrr_cli.ranking.model import Schema

COLUMNS = ("query.tokens", "query.intent_spearfishing", "query.intent_mixed")
UNKNOWN = "memory.prior_share"  # column: 1 where nobody acted on a query, towards 0 with what people chose for it


def name_odds(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32, the odds that each line's query asks for one thing by its name; 0 without words."""
    tokens, name, mixed = (_column(schema, features, column) for column in COLUMNS)
    odds: FloatArray = np.where(tokens > 0, np.minimum(name + np.float32(0.5) * mixed, 1.0), 0.0).astype(np.float32)
    return odds


def heard(schema: Schema, features: FloatArray) -> FloatArray:
    """Return (n,) float32 in 0..1, how much of a ranker's score is left where it is silent on names nobody acted on."""
    sure = np.array([surely(odds) for odds in name_odds(schema, features).tolist()], np.float32)
    place = schema.places.get(UNKNOWN)
    left: FloatArray = 1.0 - sure * (1.0 if place is None else np.nan_to_num(features[:, place], nan=1.0))
    return left


def _column(schema: Schema, features: FloatArray, name: str) -> FloatArray:
    place = schema.places.get(name)
    if place is None:
        return np.zeros(len(features), np.float32)
    return np.nan_to_num(features[:, place], nan=0.0)
