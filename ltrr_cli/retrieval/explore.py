"""What nobody asked for: rows drawn at random, so that there is feedback that no other strategy would collect.

Where a query was read as a kind of thing, most of them are of that kind: a random rock song teaches nothing about jazz.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Hits, IntArray, Request
from ltrr_cli.retrieval.row_scores import RowScores
from ltrr_cli.retrieval.slot_match import SlotMatch
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy
from ltrr_cli.retrieval.weighted_draw import first, keys

WITHIN = 0.8  # share of the draws that bear the reading, as long as there are any


class Explore(Strategy):
    """A random order of the allowed rows, the same for the same request."""

    name: ClassVar[str] = "explore"
    exploring: ClassVar[bool] = True

    def __init__(self, entities: int, bearing: SlotMatch) -> None:
        self._entities, self._bearing = entities, bearing

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Keep nothing but the number of entities, and what bears a reading."""
        return cls(len(resources.catalog), SlotMatch.open(resources, folder))

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Share the match of ``structured``."""
        self._bearing.join(company)

    def look(self, request: Request) -> ExploreLook:
        """Look at random."""
        return ExploreLook(self, request)

    def drawn(self, request: Request, limit: int) -> IntArray:
        """Draw rows without replacement; a longer list begins with the shorter one."""
        chance = generator("explore", request.seed)
        if request.allowed is not None:
            rows = chance.permutation(np.flatnonzero(request.allowed))[:limit]
        else:
            rows = _distinct(chance, self._entities, limit)
        match = self._bearing.match(request)
        if match is None:
            return rows.astype(np.int32)
        return _within(rows, _bearers(match, request, limit), request.seed, limit)


class ExploreLook(Look):
    """A random order, of a request's seed."""

    def __init__(self, explore: Explore, request: Request) -> None:
        self._explore, self._request = explore, request

    def hits(self, limit: int) -> Hits:
        """Bring rows as they are drawn."""
        rows = self._explore.drawn(self._request, limit)
        return Hits(rows, 1.0 / np.arange(1, len(rows) + 1, dtype=np.float32))


def _bearers(match: RowScores, request: Request, limit: int) -> IntArray:
    """Draw the first of the rows that bear the reading, each by how much of it."""
    rows, weights = match.rows, match.scores
    if request.allowed is not None:
        kept = request.allowed[rows]
        rows, weights = rows[kept], weights[kept]
    luck = generator("explore within", request.seed).random(len(rows))
    some = first(luck, weights, limit)
    order = np.argsort(keys(luck[some], weights[some]), kind="stable")[::-1][:limit]
    return rows[some[order]]


def _within(others: IntArray, bearers: IntArray, seed: int, limit: int) -> IntArray:
    """Merge two orders by one coin a place; the coins do not depend on how many are wanted."""
    wanted = min(limit, len(bearers) + len(others))
    inside, outside = iter(bearers.tolist()), iter(others.tolist())
    found: dict[int, None] = {}
    for within in (generator("explore coins", seed).random(wanted) < WITHIN).tolist():
        for row in chain(inside, outside) if within else chain(outside, inside):
            if row not in found:
                found[row] = None
                break
    return np.fromiter(found, np.int32, len(found))


def _distinct(chance: np.random.Generator, entities: int, limit: int) -> np.ndarray:
    """Draw in a fixed block size until enough are distinct: shuffling a million rows for ten is what this avoids."""
    if entities <= 10_000:
        return chance.permutation(entities)[:limit]
    found: dict[int, None] = {}
    while len(found) < min(limit, entities):
        found.update(dict.fromkeys(chance.integers(0, entities, 1024).tolist()))
    return np.fromiter(found, np.int64)[:limit]
