"""What a query demands: nothing with an excluded word, and phrases as they stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import BoolArray, Catalog, Context, Entity, IntArray, Request
from ltrr_cli.retrieval.entity_texts import all_text
from ltrr_cli.retrieval.lexical import Lexical
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.normalise import plain, tokens
from ltrr_cli.text.operators import Operators, taken_apart

LOOKED_AT = 1_000  # entities with all words of a phrase that are read to see whether the words stand together


def asked_for(query: str, names: NameIndex, *, plainly: bool) -> Operators:
    """Take a typed query apart.

    plainly -- for a catalog that was indexed before signs and numbers of several parts were kept as words
    """
    query = plain(query) if plainly else query
    asked = taken_apart(query)
    letters = all(len(word) == 1 for words in asked.excluded for word in words)
    if asked.excluded and letters and len(names.exact(query)):
        return Operators(query)  # it is a name as it stands: Jay -Z
    return asked


def allowed_by(context: Context, hidden: Iterable[str], catalog: Columns) -> BoolArray | None:
    """Return (entities,) bool, what filters and hidden ids leave; None where everything is allowed."""
    allowed = catalog.allowed(context.filters)
    rows = [row for entity in hidden if (row := catalog.row_of(entity)) >= 0]
    if rows:
        allowed = np.ones(len(catalog), np.bool_) if allowed is None else allowed
        allowed[rows] = False
    return allowed


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
