"""Text -> place, by hash in one sorted, mapped array: opening builds no dictionary, whatever the size."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Self

import numpy as np

from ltrr_cli.core.types import IntArray
from ltrr_cli.storage.packed_arrays import Array

_FEW = 8  # texts that are looked up one by one


def hashes(texts: Sequence[str]) -> Array:
    """Return (n,) uint64: 64 bits of BLAKE2b, so that a million texts share one with odds of 1 in 10 million."""
    return np.frombuffer(b"".join(map(_digest, texts)), "<u8")


@lru_cache(maxsize=16_384)
def _number(text: str) -> int:
    """Return the hash of one text; the words of a query are looked up in several tables."""
    return int.from_bytes(_digest(text), "little")


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


class Lookup:
    """An immutable map from texts to places, found by hash (the texts themselves are not kept).

    >>> arrays = Lookup.arrays("words", ["red", "blue"])
    >>> Lookup.of("words", arrays).find(["blue", "green", "red"]).tolist()
    [1, -1, 0]
    """

    def __init__(self, keys: Array, places: IntArray) -> None:
        self._keys, self._places = keys, places
        self._view = np.asarray(keys).data

    @staticmethod
    def arrays(name: str, texts: Sequence[str], places: Sequence[int] | None = None) -> dict[str, Array]:
        """Return the arrays to be written; a text's place is its index unless ``places`` says otherwise.

        Of a text that stands several times, the first counts.
        """
        hashed = hashes(texts)
        where = np.arange(len(texts), dtype=np.int32) if places is None else np.array(places, np.int32)
        order = np.argsort(hashed, kind="stable")
        return {f"{name}.keys": hashed[order], f"{name}.places": where[order]}

    @staticmethod
    def longer(name: str, arrays: Mapping[str, Array], texts: Sequence[str], first: int) -> dict[str, Array]:
        """Return the arrays of a map with texts added that it does not have, at places from ``first`` on."""
        keys = np.concatenate([arrays[f"{name}.keys"], hashes(texts)])
        places = np.arange(first, first + len(texts), dtype=np.int32)
        order = np.argsort(keys, kind="stable")
        return {
            f"{name}.keys": keys[order],
            f"{name}.places": np.concatenate([arrays[f"{name}.places"], places])[order],
        }

    @classmethod
    def of(cls, name: str, arrays: Mapping[str, Array]) -> Self:
        """Return the map that ``arrays`` described."""
        return cls(arrays[f"{name}.keys"], arrays[f"{name}.places"])

    def find(self, texts: Sequence[str]) -> IntArray:
        """Return (n,) int32 places, -1 where a text is not there."""
        if not len(self._keys) or not texts:
            return np.full(len(texts), -1, np.int32)
        if len(texts) <= _FEW:
            return np.array([self._find(text) for text in texts], np.int32)
        wanted = hashes(texts)
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found: IntArray = np.where(self._keys[at] == wanted, self._places[at], -1).astype(np.int32, copy=False)
        return found

    def _find(self, text: str) -> int:
        """Return one place: for a few texts, calling NumPy takes longer than looking."""
        wanted = _number(text)
        at = bisect_left(self._view, wanted)
        return int(self._places[at]) if at < len(self._view) and self._view[at] == wanted else -1


class Groups:
    """An immutable map from texts to lists of places.

    >>> arrays = Groups.arrays("by_word", {"red": [4, 2], "blue": [7]})
    >>> [group.tolist() for group in Groups.of("by_word", arrays).find(["red", "green", "blue"])]
    [[4, 2], [], [7]]
    """

    def __init__(self, lookup: Lookup, starts: Array, members: IntArray) -> None:
        self._lookup, self._starts, self._members = lookup, starts, members

    @staticmethod
    def arrays(name: str, groups: Mapping[str, Sequence[int]]) -> dict[str, Array]:
        """Return the arrays to be written; the order within a group is kept."""
        starts = np.zeros(len(groups) + 1, np.int64)
        np.cumsum([len(group) for group in groups.values()], out=starts[1:])
        members = np.fromiter((place for group in groups.values() for place in group), np.int32, int(starts[-1]))
        return Lookup.arrays(name, list(groups)) | {f"{name}.starts": starts, f"{name}.members": members}

    @classmethod
    def of(cls, name: str, arrays: Mapping[str, Array]) -> Self:
        """Return the map that ``arrays`` described."""
        return cls(Lookup.of(name, arrays), arrays[f"{name}.starts"], arrays[f"{name}.members"])

    def find(self, texts: Sequence[str]) -> list[IntArray]:
        """Return one array of places per text, empty where it is not there."""
        return [self.group(place) if place >= 0 else self._members[:0] for place in self._lookup.find(texts).tolist()]

    def group(self, number: int) -> IntArray:
        """Return one group by its number, in the order given to ``arrays``."""
        return self._members[self._starts[number] : self._starts[number + 1]]
