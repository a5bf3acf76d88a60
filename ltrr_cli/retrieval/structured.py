"""Structured search: the slots of a reading against titles, types and attribute values, several readings at once.

Good for kinds and combinations of kinds ("jazz albums 1959"). Blind to what the catalog's fields do not say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import Catalog, Entity, FloatArray, Hits, IntArray, Reading, Request
from ltrr_cli.retrieval.entity_texts import popularity_share
from ltrr_cli.retrieval.row_scores import RowScores, gathered
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy, best
from ltrr_cli.storage.lookup import Groups
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.text.names import forms_of, main_of
from ltrr_cli.text.normalise import query_key

FILE = "bearers.bin"
_POPULAR = 1e-2  # of a fully matched query: orders what bears the same slots


class Structured(Strategy):
    """``sum over readings of odds x (share of the query's words in slots that an entity bears)^2``.

    The square makes an entity that bears both of two slots worth more than two that bear one each.
    """

    name: ClassVar[str] = "structured"
    evidence_names: ClassVar[tuple[str, ...]] = ("match", "id")

    def __init__(self, catalog: Catalog, bearers: Groups, guessed: _Guessed | None, popularity: FloatArray) -> None:
        self._catalog = catalog
        self._bearers, self._guessed, self._popularity = bearers, guessed, popularity

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Write which rows bear each title, type and attribute value."""
        bearers: dict[str, list[int]] = defaultdict(list)
        for row, entity in enumerate(resources.catalog.entities()):
            for key in _keys_of(entity):
                bearers[key].append(row)
        found = resources.inferred
        guessed: dict[str, list[int]] = defaultdict(list)  # places in the arrays of what was inferred
        for place, pair in enumerate(found.pairs.tolist()):
            guessed[_key(found.fields[pair], found.values[pair])].append(place)
        arrays = Groups.arrays("bearers", bearers) | Groups.arrays("guessed", guessed)
        write_arrays(folder / FILE, arrays | {"rows": found.rows, "scores": found.scores})

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Map the table."""
        arrays = open_arrays(folder / FILE)
        guessed = _Guessed.of(arrays) if "scores" in arrays else None  # a generation from before values were inferred
        catalog = resources.catalog
        return cls(catalog, Groups.of("bearers", arrays), guessed, popularity_share(catalog))

    def look(self, request: Request) -> StructuredLook:
        """Look for what the readings name."""
        return StructuredLook(self, request)

    def match(self, reading: Reading) -> RowScores:
        """Return how well entities match a query, 0..1, of those that bear any of its slots."""
        slots = {(slot.field, slot.value): None for one in reading.interpretations for slot in one.slots}
        keys = [_key(*slot) for slot in slots]
        particular = self._particular(reading)
        stated = [particular.get(key, rows) for key, rows in zip(keys, self._bearers.find(keys), strict=True)]
        guessed = self._guessed.find(keys) if self._guessed is not None else []
        rows, places = gathered([*stated, *(rows for rows, _ in guessed)], len(self._popularity))
        at, length = {slot: number for number, slot in enumerate(slots)}, max(len(reading.tokens), 1)
        match = np.zeros(len(rows), np.float32)
        for one in reading.interpretations:
            covered = np.zeros(len(rows), np.float32)
            for slot in one.slots:
                number, share = at[slot.field, slot.value], np.float32((slot.end - slot.start) / length)
                covered[places[number]] += share
                if guessed:  # the root: squared below, a guess counts by the chance that it is right
                    covered[places[len(slots) + number]] += np.sqrt(guessed[number][1]) * share
            match += np.float32(one.odds) * covered**2
        touched = np.flatnonzero(match)
        return RowScores(rows[touched], match[touched])

    def identified(self, reading: Reading) -> list[int]:
        """Return the rows whose ids were typed."""
        return [self._catalog.row_of(slot.value) for slot in reading.slots if slot.field == "id"]

    def popularity(self, rows: IntArray) -> FloatArray:
        """Return (n,) float32: the share of entities that are less popular than each."""
        return self._popularity[rows]

    def _particular(self, reading: Reading) -> dict[str, IntArray]:
        """Return key -> rows of slots that are ids or bounds of a number."""
        within = self._catalog.within
        found = {_key(one.field, one.value): within(one.field, one.low, one.high) for one in reading.ranges}
        for slot in reading.slots:
            if slot.field == "id" and (row := self._catalog.row_of(slot.value)) >= 0:
                found[_key(slot.field, slot.value)] = np.array([row], np.int32)
        return found


class StructuredLook(Look):
    """What bears the readings of a query, found once for all strategies that ask."""

    def __init__(self, structured: Structured, request: Request) -> None:
        self._structured, self._request = structured, request

    @cached_property
    def match(self) -> RowScores:
        """How well entities match, 0..1; none of the others do."""
        return self._structured.match(self._request.reading)

    def hits(self, limit: int) -> Hits:
        """Bring what bears most of the likeliest readings."""
        rows, match = self.match.rows, self.match.scores
        scores = match + np.float32(_POPULAR) * self._structured.popularity(rows)
        return best(rows, scores, limit, self._request.allowed)

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return how well each row matches, 0..1, and whether its id was typed."""
        identified = np.isin(rows, self._structured.identified(self._request.reading))
        return np.column_stack([self.match.at(rows), identified]).astype(np.float32)


class _Guessed:
    """Which rows are believed to bear a value, and how surely."""

    def __init__(self, places: Groups, rows: IntArray, scores: FloatArray) -> None:
        self._places, self._rows, self._scores = places, rows, scores

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return what ``arrays`` hold."""
        return cls(Groups.of("guessed", arrays), arrays["rows"], arrays["scores"])

    def find(self, keys: Sequence[str]) -> list[tuple[IntArray, FloatArray]]:
        """Return (rows, scores 0..1) per key."""
        return [(self._rows[places], self._scores[places]) for places in self._places.find(keys)]


def _key(field: str, value: str) -> str:
    return f"{field}\x1f{query_key(value)}"


def _keys_of(entity: Entity) -> list[str]:
    """Return the keys of everything an entity may be asked for by, each once, always in the same order."""
    names = sorted({*forms_of(entity.title), main_of(entity.title)})
    keys = [_key("type", entity.type), *(_key("title", name) for name in names)]
    for field, value in entity.attributes.items():
        if isinstance(value, float):
            keys.append(_key(field, f"{value:.0f}"))
        else:
            keys += [_key(field, part) for part in ((value,) if isinstance(value, str) else value)]
    return [key for key in dict.fromkeys(keys) if not key.endswith("\x1f")]
