"""Names however they are typed: misspelt, begun, glued, split, in another order of words.

Good for names. Says nothing of what an entity is about.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import BoolArray, FloatArray, IntArray, Request
from ltrr_cli.retrieval.entity_texts import popularity_share
from ltrr_cli.retrieval.strategy import Ranked, Resources, Strategy
from ltrr_cli.text.names import NameIndex

BEGUN = 400  # names that begin with what was typed, looked at
_BEGUN_FROM = 0.6  # likeness of a name of which hardly anything was typed yet
_POPULAR = 0.05  # likeness that the most popular of equally spelt names gains
_LEAST = 0.45  # likeness below which a name is another name


class Fuzzy(Strategy):
    """Likeness of the query to whole names: edits, shared trigrams, prefixes."""

    name: ClassVar[str] = "fuzzy"
    of_catalog: ClassVar[bool] = True
    evidence_names: ClassVar[tuple[str, ...]] = ("called",)

    def __init__(self, names: NameIndex, popularity: FloatArray) -> None:
        self._names, self._popularity = names, popularity

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Index the names of all entities, unless there is such an index already."""
        if resources.names is None:
            NameIndex.build(folder, resources.catalog.titles)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the index."""
        names = NameIndex.open(folder) if resources.names is None else resources.names  # one without a name is falsy
        return cls(names, popularity_share(resources.catalog))

    def look(self, request: Request) -> FuzzyLook:
        """Look for the names most alike; of equal ones the better known."""
        rows, likeness = self._alike(request) if request.reading.tokens else (np.empty(0, np.int32), np.empty(0))
        scores = likeness + np.float32(_POPULAR) * self._popularity[rows]
        return FuzzyLook(rows, scores, request.allowed, self._names.exact(request.query))

    def _alike(self, request: Request) -> tuple[IntArray, FloatArray]:
        like, likeness = self._names.similar(request.query, BEGUN)
        begun = self._names.prefix(request.query, BEGUN)
        rows = np.concatenate([like, begun])
        scores = np.concatenate([likeness, np.full(len(begun), _BEGUN_FROM, np.float32)])
        near = scores >= _LEAST
        return _highest(rows[near], scores[near])


class FuzzyLook(Ranked):
    """The names most alike, and who is called exactly so."""

    def __init__(self, rows: IntArray, scores: FloatArray, allowed: BoolArray | None, exact: IntArray) -> None:
        super().__init__(rows, scores, allowed)
        self._exact = exact

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return 1 where a row is called as was typed, word by word, else 0."""
        return np.isin(rows, self._exact).astype(np.float32)[:, None]


def _highest(rows: IntArray, scores: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return distinct rows, ascending, each with its highest score."""
    distinct, place = np.unique(rows, return_inverse=True)
    highest = np.zeros(len(distinct), np.float32)
    np.maximum.at(highest, place, scores)
    return distinct, highest
