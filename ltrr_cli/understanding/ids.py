"""Ids of entities as queries: who copies one from a page or a spreadsheet wants the entity that has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ltrr_cli.storage.lookup import Lookup
from ltrr_cli.storage.packed_arrays import open_arrays, write_arrays
from ltrr_cli.text.normalise import tokens

FILE = "ids.bin"
FIELD = "id"

_CODE, _WORD, _NUMBER = 6.0, 1.5, 0.7  # mass of an id of letters and digits, of a word, of a short number
_LONG = 5  # digits from which a number is a code


class Ids:
    """Folded ids without spaces and punctuation -> ids as they are written; of those that fold alike the first."""

    def __init__(self, lookup: Lookup, ids: Sequence[str]) -> None:
        self._lookup, self._ids = lookup, ids

    @staticmethod
    def build(folder: Path, ids: Sequence[str]) -> None:
        """Write the table of ids by row."""
        write_arrays(folder / FILE, Lookup.arrays("ids", ["".join(tokens(one)) for one in ids]))

    @classmethod
    def open(cls, folder: Path, ids: Sequence[str] | None) -> Self | None:
        """Map what ``build`` wrote; None for a generation from before there was such a table, or without ids."""
        if ids is None or not (folder / FILE).exists():
            return None
        return cls(Lookup.of("ids", open_arrays(folder / FILE)), ids)

    def find(self, key: str) -> tuple[str, float] | None:
        """Return the id that folds to a key and its mass against other meanings of the same text."""
        row = int(self._lookup.find([key])[0]) if key else -1
        if row < 0:
            return None
        if key.isdigit():
            return self._ids[row], _CODE if len(key) >= _LONG else _NUMBER
        return self._ids[row], _WORD if key.isalpha() else _CODE
