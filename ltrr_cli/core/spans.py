"""What a span of a query may be beside a slot: a word inside longer words, bounds of a number."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

NAMING = frozenset({"title", "id"})  # fields of slots that name one entity; all others say what kind it is


@dataclass(frozen=True, slots=True)
class Part:
    """A word of the query and terms of the catalog that hold it (shoes: ladiesshoes) or that it is made of.

    place -- of the word among ``Reading.words``
    terms -- as full text has them
    odds  -- 0..1, the chance that an entity with such a term is meant
    """

    place: int
    terms: tuple[str, ...]
    odds: float


@dataclass(frozen=True, slots=True)
class Range:
    """A span of the query read as bounds of a number: ``90s``, ``under 20``, ``from 2010``.

    low, high -- inclusive; minus and plus infinity where there is none
    typed     -- the words of the span
    """

    field: str
    low: float
    high: float
    odds: float  # 0..1
    start: int  # first token
    end: int  # one past the last token
    typed: tuple[str, ...]

    @property
    def value(self) -> str:
        """The bounds as a slot writes them.

        >>> Range("year", 1990.0, 1999.0, 0.9, 0, 1, ("90s",)).value
        '1990..1999'
        """
        return "..".join(f"{bound:.12g}" if isfinite(bound) else "" for bound in (self.low, self.high))
