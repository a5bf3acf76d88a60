"""Structured search: the slots of a reading against titles, types and attribute values, several readings at once.

Good for kinds and combinations of kinds ("jazz albums 1959"). Blind to what the catalog's fields do not say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import Catalog, Entity, FloatArray, Hits, IntArray, Reading, Request
from ltrr_cli.retrieval.entity_texts import popularity_share
from ltrr_cli.retrieval.strategy import Resources, Strategy, best
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
        self._asked: tuple[object, FloatArray] | None = None

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

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring what bears most of the likeliest readings."""
        match = self.match(request)
        rows = np.flatnonzero(match).astype(np.int32)
        return best(rows, match[rows] + np.float32(_POPULAR) * self._popularity[rows], limit, request.allowed)

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return how well each row matches, 0..1, and whether its id was typed."""
        ids = [self._catalog.row_of(slot.value) for slot in request.reading.slots if slot.field == "id"]
        return np.column_stack([self.match(request)[rows], np.isin(rows, ids)]).astype(np.float32)

    def match(self, request: Request) -> FloatArray:
        """Return (entities,) float32 in 0..1, how well each matches (kept for the last request; read it only)."""
        reading = request.reading
        asked = (reading.tokens, reading.interpretations)
        if self._asked is None or self._asked[0] != asked:
            self._asked = (asked, self._scored(request))
        return self._asked[1]

    def _scored(self, request: Request) -> FloatArray:
        match, covered = (np.zeros(len(self._popularity), np.float32) for _ in range(2))
        readings = request.reading.interpretations
        length = max(len(request.reading.tokens), 1)
        keys = {slot: _key(slot.field, slot.value) for reading in readings for slot in reading.slots}
        distinct = list(dict.fromkeys(keys.values()))
        bearers = dict(zip(distinct, self._bearers.find(distinct), strict=True)) | self._particular(request.reading)
        guesses = {} if self._guessed is None else dict(zip(distinct, self._guessed.find(distinct), strict=True))
        for reading in readings:
            touched = []
            for slot in reading.slots:
                rows, share = bearers[keys[slot]], np.float32((slot.end - slot.start) / length)
                covered[rows] += share
                touched.append(rows)
                if guesses:
                    rows, roots = guesses[keys[slot]]
                    covered[rows] += roots * share
                    touched.append(rows)
            rows = np.concatenate(touched)
            match[rows] += np.float32(reading.odds) * covered[rows] ** 2  # a row that stands twice is added once
            covered[rows] = 0.0
        return match

    def _particular(self, reading: Reading) -> dict[str, IntArray]:
        """Return key -> rows of slots that are ids or bounds of a number."""
        within = self._catalog.within
        found = {_key(one.field, one.value): within(one.field, one.low, one.high) for one in reading.ranges}
        for slot in reading.slots:
            if slot.field == "id" and (row := self._catalog.row_of(slot.value)) >= 0:
                found[_key(slot.field, slot.value)] = np.array([row], np.int32)
        return found


class _Guessed:
    """Which rows are believed to bear a value, and how surely."""

    def __init__(self, places: Groups, rows: IntArray, scores: FloatArray) -> None:
        self._places, self._rows, self._scores = places, rows, scores

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Return what ``arrays`` hold."""
        return cls(Groups.of("guessed", arrays), arrays["rows"], arrays["scores"])

    def find(self, keys: Sequence[str]) -> list[tuple[IntArray, FloatArray]]:
        """Return (rows, roots of scores 0..1) per key: squared, a guess counts by the chance that it is right."""
        return [(self._rows[places], np.sqrt(self._scores[places])) for places in self._places.find(keys)]


def _key(field: str, value: str) -> str:
    return f"{field}\x1f{query_key(value)}"


def _keys_of(entity: Entity) -> set[str]:
    """Return the keys of everything an entity may be asked for by."""
    names = (*forms_of(entity.title), main_of(entity.title))
    keys = {_key("type", entity.type), *(_key("title", name) for name in names)}
    for field, value in entity.attributes.items():
        if isinstance(value, float):
            keys.add(_key(field, f"{value:.0f}"))
        else:
            keys |= {_key(field, part) for part in ((value,) if isinstance(value, str) else value)}
    return {key for key in keys if not key.endswith("\x1f")}
