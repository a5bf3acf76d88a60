"""A table of strings that opens at once: one blob, one array of offsets, both mapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self, overload

import numpy as np

REMEMBERED = 50_000


class Strings(Sequence[str]):
    """An immutable sequence of strings on disk; ``find`` needs it sorted by UTF-8 bytes (as str sorts)."""

    def __init__(self, blob: np.ndarray, offsets: np.ndarray) -> None:
        # views hand out plain bytes and integers, many times faster than a mapped array does
        self._blob, self._offsets = np.asarray(blob).data, np.asarray(offsets).data
        self._size = len(offsets) - 1
        self._found: dict[str, int] = {}

    @staticmethod
    def write(path: Path, strings: Iterable[str]) -> None:
        """Write ``path``.blob.npy and ``path``.offsets.npy."""
        parts = [text.encode("utf-8", "surrogatepass") for text in strings]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        np.save(f"{path}.blob.npy", np.frombuffer(b"".join(parts), np.uint8))
        np.save(f"{path}.offsets.npy", offsets)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``write`` wrote."""
        files = (f"{path}.{part}.npy" for part in ("blob", "offsets"))
        return cls(*(np.load(file, mmap_mode="r", allow_pickle=False) for file in files))

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = index + self._size if index < 0 else index
        if not 0 <= place < self._size:
            raise IndexError(index)
        return self.raw(place).decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for end in self._offsets[1:]:
            yield str(self._blob[start:end], "utf-8", "surrogatepass")
            start = end

    def many(self, places: Iterable[int]) -> list[str]:
        """Return the strings at places from 0."""
        blob, offsets = self._blob, self._offsets
        return [str(blob[offsets[at] : offsets[at + 1]], "utf-8", "surrogatepass") for at in places]

    def raw(self, index: int) -> bytes:
        """Return one string's bytes."""
        return bytes(self._blob[self._offsets[index] : self._offsets[index + 1]])

    def find(self, text: str) -> int:
        """Return the place of a string in a sorted table, or -1; the latest ``REMEMBERED`` answers are kept."""
        place = self._found.get(text)
        if place is None:
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            place = self._found[text] = self._search(text)
        return place

    def _search(self, text: str) -> int:
        wanted = text.encode("utf-8", "surrogatepass")
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.raw(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self) and self.raw(low) == wanted else -1
