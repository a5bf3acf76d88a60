"""All features of a candidate set at once: one array, one schema, no Python per candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from ltrr_cli.core.types import Candidates, FloatArray, IntArray
from ltrr_cli.ranking.model import Schema

MATCHING = ("candidate.matches", "page.matches")  # 1 where something of the query speaks for it, for any on the page
ENTITY = ("popularity", "popularity_share", "age_days", "type")

Evidence = tuple[str, tuple[str, ...], FloatArray]


def assemble(
    candidates: Candidates,
    evidence: Sequence[Evidence],
    popularity: FloatArray,
    age_days: FloatArray,
    types: IntArray,
    signals: Mapping[str, float],
) -> tuple[Schema, FloatArray]:
    """Return (schema, (n, f) float32); NaN where a strategy did not bring a candidate (missing is not zero).

    evidence   -- (strategy, column names, (n, m) float32) of every strategy
    popularity -- (n,) NaN where unknown; age_days -- (n,) NaN where unknown; types -- (n,) type numbers
    signals    -- of the query: the same for all its candidates, for trees to cross with the rest
    """
    columns = schema(candidates.strategies, tuple((name, names) for name, names, _ in evidence), tuple(sorted(signals)))
    table = np.empty((len(candidates.rows), len(columns.names)), np.float32)
    s = len(candidates.strategies)
    table[:, :s] = candidates.ranks
    table[:, s : 2 * s] = candidates.scores
    top = np.fmax.reduce(candidates.scores, axis=0, initial=-np.inf) if len(table) else np.ones(s, np.float32)
    table[:, 2 * s : 3 * s] = candidates.scores / np.where(top > 0, top, np.nan)
    table[:, 3 * s] = np.isfinite(candidates.ranks).sum(axis=1)
    table[:, 3 * s + 1 : 3 * s + 1 + len(MATCHING)] = np.nan  # told by who knows all other columns
    place = 3 * s + 1 + len(MATCHING)
    for _, names, values in evidence:
        table[:, place : place + len(names)] = values
        place += len(names)
    known = np.where(np.isnan(popularity), np.float32(0.0), popularity)
    table[:, place] = np.log1p(popularity)
    table[:, place + 1] = known / max(float(known.max(initial=0.0)), 1e-9)
    table[:, place + 2] = age_days
    table[:, place + 3] = types
    place += len(ENTITY)
    table[:, place:] = np.array([signals[name] for name in sorted(signals)], np.float32)
    return columns, table


@lru_cache(maxsize=8)
def schema(
    strategies: tuple[str, ...], evidence: tuple[tuple[str, tuple[str, ...]], ...], signals: tuple[str, ...]
) -> Schema:
    """Return the names of all columns, in order.

    >>> schema(("a",), (("a", ("x",)),), ("tokens",)).names[:4]
    ('a.rank', 'a.score', 'a.relative', 'candidate.brought_by')
    """
    return Schema(
        (
            *(f"{name}.{what}" for what in ("rank", "score", "relative") for name in strategies),
            "candidate.brought_by",
            *MATCHING,
            *(f"{name}.{column}" for name, names in evidence for column in names),
            *(f"entity.{name}" for name in ENTITY),
            *(f"query.{name}" for name in signals),
        )
    )
