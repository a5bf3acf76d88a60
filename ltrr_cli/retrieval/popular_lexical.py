"""Full text with a quality bias: among texts that match about as well, the better known first.

Good for words that many entities share. Adds nothing where the catalog does not say what is popular.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import FloatArray, Hits, Request
from ltrr_cli.retrieval.entity_texts import popularity_share
from ltrr_cli.retrieval.lexical import DEPTH, Lexical, LexicalLook
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy, best, look_of

BIAS = 1.0  # the best known entity's BM25 counts this much more than the least known one's


class PopularLexical(Strategy):
    """``BM25 x (1 + share of entities that are less popular)``, on the index of ``lexical``."""

    name: ClassVar[str] = "popular_lexical"
    of_catalog: ClassVar[bool] = True

    def __init__(self, lexical: Lexical, popularity: FloatArray) -> None:
        self._lexical, self._popularity = lexical, popularity
        self._known = bool(popularity.any())

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the neighbour's index: it is built anyway."""
        lexical = Lexical.open(resources, folder.with_name(Lexical.name), None)
        return cls(lexical, popularity_share(resources.catalog))

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Look through the open ``lexical`` of the same snapshot, where there is one: one search serves both."""
        owner = company.get(Lexical.name)
        if isinstance(owner, Lexical):
            self._lexical = owner

    def look(self, request: Request) -> PopularLexicalLook:
        """Look at what ``lexical`` finds."""
        return PopularLexicalLook(look_of(self._lexical, request), self._popularity if self._known else None)


class PopularLexicalLook(Look):
    """The best texts, ordered anew."""

    def __init__(self, lexical: LexicalLook, popularity: FloatArray | None) -> None:
        self._lexical, self._popularity = lexical, popularity
        self._found = (-1, Hits.none())  # the limit that was asked for last, and what was there

    def hits(self, limit: int) -> Hits:
        """Bring popular texts that match."""
        found = self._found
        if found[0] != limit:
            found = self._found = limit, self._best(limit)
        return found[1]

    def _best(self, limit: int) -> Hits:
        if self._popularity is None:
            return Hits.none()
        found = self._lexical.hits(DEPTH)
        return best(found.rows, found.scores * (1 + np.float32(BIAS) * self._popularity[found.rows]), limit)
