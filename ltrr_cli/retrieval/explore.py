"""What nobody asked for: rows drawn at random, so that there is feedback that no other strategy would collect.

Where a query was read as a kind of thing, most of them are of that kind: a random rock song teaches nothing about jazz.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Hits, IntArray, Request
from ltrr_cli.retrieval.slot_match import SlotMatch
from ltrr_cli.retrieval.strategy import Resources, Strategy

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

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Draw rows without replacement; a longer list begins with the shorter one."""
        chance = generator("explore", request.seed)
        if request.allowed is not None:
            rows = chance.permutation(np.flatnonzero(request.allowed))[:limit]
        else:
            rows = _distinct(chance, self._entities, limit)
        match = self._bearing.match(request)
        if match is not None:
            rows = _within(rows, _bearers(match, request), request.seed, limit)
        scores = 1.0 / np.arange(1, len(rows) + 1, dtype=np.float32)
        return Hits(rows.astype(np.int32), scores)


def _bearers(match: np.ndarray, request: Request) -> IntArray:
    """Draw an order of the rows that bear the reading, each by how much of it."""
    rows = np.flatnonzero(match if request.allowed is None else match * request.allowed)
    luck = generator("explore within", request.seed).random(len(rows))
    order = np.argsort(np.log(np.maximum(luck, 1e-12)) / match[rows], kind="stable")[::-1]
    return rows[order].astype(np.int32)


def _within(others: np.ndarray, bearers: IntArray, seed: int, limit: int) -> np.ndarray:
    """Merge two orders by one coin a place; the coins do not depend on how many are wanted."""
    first, second = bearers.tolist(), others.tolist()
    found: dict[int, None] = {}
    place = {True: 0, False: 0}
    for within in (generator("explore coins", seed).random(min(limit, len(first) + len(second))) < WITHIN).tolist():
        for kind in (within, not within):
            part, at = (first if kind else second), place[kind]
            while at < len(part) and part[at] in found:
                at += 1
            place[kind] = at + 1
            if at < len(part):
                found[part[at]] = None
                break
    return np.fromiter(found, np.int64, len(found))


def _distinct(chance: np.random.Generator, entities: int, limit: int) -> np.ndarray:
    """Draw in a fixed block size until enough are distinct: shuffling a million rows for ten is what this avoids."""
    if entities <= 10_000:
        return chance.permutation(entities)[:limit]
    found: dict[int, None] = {}
    while len(found) < min(limit, entities):
        found.update(dict.fromkeys(chance.integers(0, entities, 1024).tolist()))
    return np.fromiter(found, np.int64)[:limit]
