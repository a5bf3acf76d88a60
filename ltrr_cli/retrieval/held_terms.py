"""Which words of a query does an entity have, anywhere in its texts? Hashed terms and marks of every entity, flat.

What full text scores adds up: an entity may lead by one word that it has often. Here it is told which of the words it
has at all, and how surely, so that an entity with the number that was asked for is known from one with another number.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self
from zlib import crc32

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray
from ltrr_cli.storage.packed_arrays import map_array
from ltrr_cli.text.marks import Want

_SIFT = 1 << 16  # most hashes are dismissed by their lower half


class Writer:
    """Takes in the terms of one entity after the other."""

    def __init__(self) -> None:
        self._hashed: dict[str, int] = {}
        self._flat, self._starts = array("I"), array("q", [0])

    def add(self, terms: Collection[str]) -> None:
        """Add the distinct terms and marks of the next row."""
        hashed = self._hashed
        for term in terms:
            code = hashed.get(term)
            if code is None:
                code = hashed[term] = _hash(term)
            self._flat.append(code)
        self._starts.append(len(self._flat))

    def keep(self, codes: np.ndarray) -> None:
        """Add the next row as it stood in another table."""
        self._flat.frombytes(np.ascontiguousarray(codes, np.uint32).tobytes())
        self._starts.append(len(self._flat))

    def write(self, folder: Path) -> None:
        """Write both arrays."""
        np.save(folder / "held_starts.npy", np.frombuffer(self._starts, np.int64))
        np.save(folder / "held_terms.npy", np.array(self._flat, np.uint32))


class HeldTerms:
    """An open table; read-only and safe to use from many threads."""

    def __init__(self, flat: np.ndarray, starts: np.ndarray) -> None:
        self._flat, self._starts = flat, starts

    @classmethod
    def open(cls, folder: Path) -> Self | None:
        """Map what ``Writer`` wrote; None for a generation from before there was such a table."""
        if not (folder / "held_terms.npy").exists():
            return None
        names = ("held_terms", "held_starts")
        return cls(*(map_array(folder / f"{name}.npy") for name in names))

    def of_row(self, row: int) -> np.ndarray:
        """Return the (n,) uint32 hashes of what an entity has."""
        return self._flat[self._starts[row] : self._starts[row + 1]]

    def levels(self, wants: Sequence[Want], rows: IntArray) -> FloatArray:
        """Return (rows, wants) float32 in 0..1: how surely each entity has what each want asks for."""
        found = np.zeros((len(rows), len(wants)), np.float32)
        answers = sorted({term for want in wants for term in want.answers})
        if not answers or not len(rows):
            return found
        codes = np.array([_hash(term) for term in answers], np.uint32)
        order = np.argsort(codes)
        place = {answers[at]: number for number, at in enumerate(order.tolist())}
        codes = codes[order]
        starts = self._starts[rows]
        lengths = (self._starts[rows + 1] - starts).astype(np.int64)
        owner = np.repeat(np.arange(len(rows)), lengths)
        flat = self._flat[starts[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)]
        sieve = np.zeros(_SIFT, np.bool_)
        sieve[codes & (_SIFT - 1)] = True
        kept = np.flatnonzero(sieve[flat & (_SIFT - 1)])
        at = np.minimum(np.searchsorted(codes, flat[kept]), len(codes) - 1)
        hit = codes[at] == flat[kept]
        holder, answer = owner[kept[hit]], at[hit]
        by = np.argsort(answer, kind="stable")
        holder, bounds = holder[by], np.searchsorted(answer[by], np.arange(len(codes) + 1))
        for number, want in enumerate(wants):
            for term, surely in sorted(want.answers.items(), key=lambda pair: pair[1]):  # the surest has the last word
                start = place[term]
                found[holder[bounds[start] : bounds[start + 1]], number] = surely
        return found


def _hash(term: str) -> int:
    return crc32(term.encode("utf-8", "surrogatepass"))
