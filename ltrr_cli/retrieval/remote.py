"""A retriever elsewhere as a strategy: it brings what the request carries of its answer, and never asks by itself.

Whoever serves a search asks beforehand (``engine.remotes``), and the journal keeps the answer, so that folding,
training and off-policy evaluation see what was there. A search without an answer (an imported log, a deadline that
passed) says nothing of this strategy: it is absent, not empty-handed.
"""

from __future__ import annotations

import numpy as np

from ltrr_cli.core.types import Catalog, FloatArray, Request
from ltrr_cli.retrieval.strategy import Look, Ranked, Strategy


def scaled(scores: FloatArray) -> FloatArray:
    """Return scores between 0 and 1 inside one answer: those of another system are of a scale of their own.

    >>> print(scaled(np.array([12.0, 9.0, 6.0], np.float32)))
    [1.   0.75 0.5 ]
    """
    if not len(scores):
        return scores
    low, high = float(scores.min()), float(scores.max())
    if high == low:
        return np.ones(len(scores), np.float32)
    found: FloatArray = (0.5 + 0.5 * (scores - low) / (high - low)).astype(np.float32)
    return found


class Remote(Strategy):
    """One retriever of the settings; ``weigh_like`` names the local strategy whose weight it has in fusion."""

    name = "remote"
    remote = True

    def __init__(self, catalog: Catalog, weigh_like: str) -> None:
        self._catalog, self.weigh_like = catalog, weigh_like

    def named(self, name: str) -> Remote:
        """Return the same under a name of the settings."""
        self.name = name  # type: ignore[misc]  # each instance is one strategy
        return self

    def look(self, request: Request) -> Look:
        """Look up what the request carries; ids that the catalog has not are left out."""
        answer = request.context.remote.get(self.name)
        lines = answer.lines() if answer is not None else None
        known = [(row, line.score) for line in lines or () if (row := self._catalog.row_of(line.id)) >= 0]
        rows = np.array([row for row, _ in known], np.int32)
        scores = scaled(np.array([score for _, score in known], np.float32))
        return Ranked(rows, scores, request.allowed)
