"""What nobody asked for: rows drawn at random, so that there is feedback that no other strategy would collect."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import Hits, Request
from ltrr_cli.retrieval.base import Resources, Strategy


class Explore(Strategy):
    """A random order of the allowed rows, the same for the same request."""

    name: ClassVar[str] = "explore"

    def __init__(self, entities: int) -> None:
        self._entities = entities

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Keep nothing but the number of entities."""
        return cls(len(resources.catalog))

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Draw rows without replacement; a longer list begins with the shorter one."""
        chance = generator("explore", request.seed)
        if request.allowed is not None:
            rows = np.flatnonzero(request.allowed)
            rows = chance.permutation(rows)[:limit]
        else:
            rows = _distinct(chance, self._entities, limit)
        scores = 1.0 / np.arange(1, len(rows) + 1, dtype=np.float32)
        return Hits(rows.astype(np.int32), scores)


def _distinct(chance: np.random.Generator, entities: int, limit: int) -> np.ndarray:
    """Draw in a fixed block size until enough are distinct: shuffling a million rows for ten is what this avoids."""
    if entities <= 10_000:
        return chance.permutation(entities)[:limit]
    found: dict[int, None] = {}
    while len(found) < min(limit, entities):
        found.update(dict.fromkeys(chance.integers(0, entities, 1024).tolist()))
    return np.fromiter(found, np.int64)[:limit]
