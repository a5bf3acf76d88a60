"""Which terms entities bore that people chose and that have left the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.retrieval.sparse.postings import Postings
from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays

FILE: Final = "departed.bin"
WORDS: Final = "departed.json"  # id -> term -> weight, for the next index

Departed = Mapping[str, Mapping[str, float]]  # id -> term -> weight, 0..1


class DepartedTerms:
    """An immutable table; a place is the number of a departed entity in it, in the order of their ids."""

    def __init__(self, ids: Lookup, postings: Postings) -> None:
        self._ids, self._postings = ids, postings

    @staticmethod
    def write(folder: Path, departed: Departed, terms: Lookup) -> None:
        """Write what departed entities bore; for those who search, terms alone that an entity of the catalog bears.

        terms -- the number of each term
        """
        if not departed:
            return
        numbers: list[list[int]] = []
        weights: list[list[float]] = []
        for borne in (departed[one] for one in sorted(departed)):
            found = terms.find(list(borne)).tolist()
            known = {number: weight for number, weight in zip(found, borne.values(), strict=True) if number >= 0}
            numbers.append(list(known))
            weights.append(list(known.values()))
        size = 1 + max((number for found in numbers for number in found), default=-1)
        arrays = Postings.arrays(numbers, weights, size) | Lookup.arrays("ids", sorted(departed))
        write_arrays(folder / FILE, arrays)
        ordered = {one: dict(departed[one]) for one in sorted(departed)}
        (folder / WORDS).write_bytes(msgspec.json.encode(ordered))

    @staticmethod
    def words(folder: Path) -> dict[str, dict[str, float]]:
        """Return what ``write`` was given; nothing where nothing had departed."""
        if not (folder / WORDS).exists():
            return {}
        return msgspec.json.decode((folder / WORDS).read_bytes(), type=dict[str, dict[str, float]])

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Map the table; None where nothing has departed."""
        if not (folder / FILE).exists():
            return None
        arrays = open_arrays(folder / FILE)
        return cls(Lookup.of("ids", arrays), Postings.of(arrays))

    def find(self, ids: Sequence[str]) -> IntArray:
        """Return (n,) int32 places, -1 of an id that is not there."""
        return self._ids.find(ids)

    def summed(self, places: IntArray, weights: FloatArray) -> FloatArray:
        """Return the weighted sum of some entities' terms, by number: (up to the last term that any of them bore,)."""
        return self._postings.summed(places, weights)
