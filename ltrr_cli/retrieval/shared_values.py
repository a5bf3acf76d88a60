"""What entities share: attribute values and names, as two sparse tables.

A title counts as a value of its entity, so that a track whose attribute names an artist is tied to the artist, and the
artist to the tracks, without anybody saying which attribute refers to what.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import DoubleArray, Entity, FloatArray, IntArray
from ltrr_cli.retrieval.entity_texts import attribute_texts
from ltrr_cli.retrieval.row_scores import gathered
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import Array, open_arrays, write_arrays
from ltrr_cli.text.normalise import query_key

FILE = "ties.bin"
MOST_VALUES = 64  # of an entity that are looked at
MOST_BEARERS = 20_000  # entities met on the way; the rarest values come first, and what everything bears ties nothing


class SharedValues:
    """Which entities bear which values. A value's weight is ``log(1 + N / df)``; entities are unit vectors of them."""

    def __init__(
        self, named: Lookup, values: Array, starts: Array, bearers: Array, bearer_starts: Array, lengths: Array
    ) -> None:
        self._named = named
        self._values, self._starts = values, starts
        self._bearers, self._bearer_starts = bearers, bearer_starts
        self._lengths = lengths

    @staticmethod
    def build(entities: Iterable[Entity], folder: Path) -> None:
        """Write both tables; a value that only one entity bears is left out."""
        numbers: dict[str, int] = {}
        values, counts = array("i"), array("i")
        for entity in entities:
            keys = dict.fromkeys(filter(None, map(query_key, (entity.title, *attribute_texts(entity)))))
            mine = [numbers.setdefault(key, len(numbers)) for key in list(keys)[:MOST_VALUES]]
            values.extend(mine)
            counts.append(len(mine))
        value = np.frombuffer(values, np.int32) if values else np.empty(0, np.int32)
        owner = np.repeat(np.arange(len(counts), dtype=np.int32), np.array(counts, np.int64))
        shared = np.bincount(value, minlength=len(numbers)) > 1
        keep = shared[value]
        names = [key for key, number in numbers.items() if shared[number]]
        value, owner = (np.cumsum(shared) - 1)[value[keep]].astype(np.int32), owner[keep]
        bearers = np.bincount(value, minlength=int(shared.sum()))
        weight = np.log1p(len(counts) / np.maximum(bearers, 1))
        square = np.bincount(owner, weight[value] ** 2, len(counts))
        order = np.argsort(value, kind="stable")
        write_arrays(
            folder / FILE,
            {
                **Lookup.arrays("named", names),
                "values": value,
                "starts": np.cumsum([0, *np.bincount(owner, minlength=len(counts))]).astype(np.int64),
                "bearers": owner[order],
                "bearer_starts": np.cumsum([0, *bearers]).astype(np.int64),
                "lengths": np.sqrt(square).astype(np.float32),
            },
        )

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Map the tables."""
        arrays = open_arrays(folder / FILE)
        named = Lookup.of("named", arrays)
        return cls(named, *(arrays[name] for name in ("values", "starts", "bearers", "bearer_starts", "lengths")))

    def named(self, texts: Iterable[str]) -> tuple[IntArray, DoubleArray]:
        """Return (values ascending, weights) of texts, as ``of`` does of entities; what no two bear is left out."""
        found = self._named.find([query_key(text) for text in texts])
        distinct = np.unique(found[found >= 0])
        return distinct, self._weight(distinct)

    def of(self, rows: IntArray, strengths: DoubleArray) -> tuple[IntArray, DoubleArray]:
        """Return (values ascending, weights): the sum of some entities' unit vectors, each times its strength."""
        found = [self._values[self._starts[row] : self._starts[row + 1]] for row in rows.tolist()]
        value = np.concatenate([np.empty(0, np.int32), *found])
        each = np.repeat(strengths / np.maximum(self._lengths[rows], 1e-9), [len(values) for values in found])
        distinct, inverse = np.unique(value, return_inverse=True)
        total: DoubleArray = np.bincount(inverse, each, len(distinct)) * self._weight(distinct)
        return distinct, total

    def bearers(self, values: IntArray, weights: DoubleArray) -> tuple[IntArray, FloatArray]:
        """Return (rows ascending, cosines up to one factor) of the entities that bear some of weighted values."""
        counts = self._bearer_starts[values + 1] - self._bearer_starts[values]
        rare = np.argsort(counts, kind="stable")
        rare = np.sort(rare[np.cumsum(counts[rare]) <= MOST_BEARERS])
        lists = [self._bearers[self._bearer_starts[value] : self._bearer_starts[value + 1]] for value in values[rare]]
        met = np.concatenate([np.empty(0, np.int32), *lists])
        each = np.repeat((weights * self._weight(values))[rare], [len(rows) for rows in lists])
        rows, place = gathered([met], len(self._lengths))
        total = np.bincount(place[0], each, len(rows))
        return rows, (total / self._lengths[rows]).astype(np.float32)

    def shared(self, values: IntArray, weights: DoubleArray, rows: IntArray) -> FloatArray:
        """Return (n,) float32, what ``bearers`` says of any rows, whatever they bear."""
        if not len(values):
            return np.zeros(len(rows), np.float32)
        starts = self._starts[rows]
        lengths = self._starts[rows + 1] - starts
        owner = np.repeat(np.arange(len(rows)), lengths)
        value = self._values[starts[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)]
        at = np.minimum(np.searchsorted(values, value), len(values) - 1)
        each = np.where(values[at] == value, weights[at] * self._weight(value), 0.0)
        score: FloatArray = (np.bincount(owner, each, len(rows)) / np.maximum(self._lengths[rows], 1e-9)).astype(
            np.float32
        )
        return score

    def _weight(self, values: IntArray) -> DoubleArray:
        counts = self._bearer_starts[values + 1] - self._bearer_starts[values]
        weight: DoubleArray = np.log1p((len(self._starts) - 1) / np.maximum(counts, 1))
        return weight
