"""What a query demands: nothing with an excluded word, and phrases as they stand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ltrr_cli.core.types import Catalog, Entity, IntArray, Request
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.lexical import Lexical
from ltrr_cli.text.normalise import tokens

LOOKED_AT = 1_000  # entities with all words of a phrase that are read to see whether the words stand together


def constrained(request: Request, catalog: Catalog, lexical: Lexical | None) -> Request:
    """Return a request that allows only what its phrases and excluded words leave.

    A phrase that nothing has is left out of the reading's phrases: its words count one by one.
    """
    reading = request.reading
    if lexical is None or not (reading.phrases or reading.excluded):
        return request
    allowed = np.ones(len(catalog), np.bool_) if request.allowed is None else request.allowed.copy()
    for words in reading.excluded:
        allowed[_holding(words, request, catalog, lexical, len(catalog))] = False
    kept = []
    for words in reading.phrases:
        rows = _holding(words, replace(request, allowed=allowed), catalog, lexical, LOOKED_AT)
        if len(rows):
            kept.append(words)
            only = np.zeros(len(catalog), np.bool_)
            only[rows] = True
            allowed &= only
    return replace(request, allowed=allowed, reading=replace(reading, phrases=tuple(kept)))


def _holding(words: tuple[str, ...], request: Request, catalog: Catalog, lexical: Lexical, most: int) -> IntArray:
    """Return the rows that hold all words; of several, those in which they stand together."""
    rows = lexical.holding(words, request.allowed, most)
    if len(words) < 2:
        return rows
    looked_at = rows if len(rows) <= LOOKED_AT else rows[:LOOKED_AT]
    kept = [row for row in looked_at.tolist() if _together(words, catalog.entity(row))]
    return np.array(kept, np.int32)


def _together(words: tuple[str, ...], entity: Entity) -> bool:
    text = f" {' '.join(tokens(all_text(entity)))} "
    return f" {' '.join(words)} " in text
