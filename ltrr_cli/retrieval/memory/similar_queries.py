"""Which known queries are written like this one? Character n-grams, cosine, an inverted index that grows."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray, MomentArray
from ltrr_cli.storage.packed_arrays import open_arrays, strings_arrays, strings_of, write_arrays
from ltrr_cli.storage.segments import DERIVED, Arrays, link

SHORTEST, LONGEST = 2, 4
FEW = 512  # texts that are added again when the index is opened, at most; a sixty-fourth where that is more
_DIGITS = re.compile(r"\d+")


def digits_of(key: str) -> tuple[str, ...]:
    """Return the numbers of a folded query.

    >>> digits_of("xbox360hd20gb"), digits_of("cable")
    (('360', '20'), ())
    """
    return tuple(_DIGITS.findall(key))


def grams(text: str) -> Counter[str]:
    """Count the character 2- to 4-grams of a folded text; its ends count as a character.

    >>> sorted(grams("ab"))
    ['^a', '^ab', '^ab$', 'ab', 'ab$', 'b$']
    """
    padded = f"^{text}$"
    sizes = range(SHORTEST, LONGEST + 1)
    return Counter([padded[at : at + size] for size in sizes for at in range(len(padded) - size + 1)])


class SimilarQueries:
    """An inverted index from n-grams to numbered texts; weights are 1 + log(tf), vectors have length 1.

    What is on the disk is mapped, and stays as it is; what was added since stands beside it.
    """

    def __init__(self) -> None:
        self._gram: dict[str, int] = {}
        self._starts: MomentArray = np.zeros(1, np.int64)  # (grams + 1,) of what is mapped
        self._mapped: Arrays = {"numbers": np.empty(0, np.int32), "weights": np.empty(0, np.float32)}
        self._numbers: dict[int, array[int]] = {}  # gram -> numbers of the texts added since
        self._weights: dict[int, array[float]] = {}  # gram -> weights, parallel
        self._size = self._written = 0
        self._file: Path | None = None

    def __len__(self) -> int:
        return self._size

    def add(self, text: str) -> int:
        """Add a text and return its number (from 0)."""
        number = self._size
        self._size += 1
        names, weights = _vector(text)
        for name, weight in zip(names, weights, strict=True):
            place = self._gram.setdefault(name, len(self._gram))
            if place not in self._numbers:
                self._numbers[place], self._weights[place] = array("i"), array("f")
            self._numbers[place].append(number)
            self._weights[place].append(weight)
        return number

    def near(self, text: str, limit: int, least: float = 0.0) -> tuple[IntArray, FloatArray]:
        """Return (numbers, cosines) of the nearest texts, best first, ties by number; cosines are above ``least``."""
        numbers, products = self._products(*_vector(text))
        if not len(numbers):
            return np.empty(0, np.int32), np.empty(0, np.float32)
        cosine = np.bincount(numbers, products, self._size)
        near = np.flatnonzero(cosine > least)
        order = near[np.lexsort((near, -cosine[near]))][:limit]
        return order.astype(np.int32), np.minimum(cosine[order], 1.0).astype(np.float32)

    def _products(self, names: Sequence[str], weights: Sequence[float]) -> tuple[IntArray, FloatArray]:
        """Return (numbers of texts, weights times weights) of all that some grams have, of each text gram by gram."""
        mapped: list[tuple[int, float]] = []
        late: list[tuple[int, float]] = []
        for name, weight in zip(names, weights, strict=True):
            place = self._gram.get(name, -1)
            if 0 <= place < len(self._starts) - 1:
                mapped.append((place, weight))
            if place in self._numbers:
                late.append((place, weight))
        parts = [self._stored(place) for place, _ in mapped]
        sizes = [len(numbers) for numbers, _ in parts] + [len(self._numbers[place]) for place, _ in late]
        added = b"".join([self._numbers[place] for place, _ in late])
        worth_added = b"".join([self._weights[place] for place, _ in late])
        numbers = np.concatenate([*(numbers for numbers, _ in parts), np.frombuffer(added, np.int32)])
        worth = np.concatenate([*(worth for _, worth in parts), np.frombuffer(worth_added, np.float32)])
        return numbers, worth * np.repeat(np.array([weight for _, weight in (*mapped, *late)], np.float32), sizes)

    def _stored(self, gram: int) -> tuple[IntArray, FloatArray]:
        part = slice(int(self._starts[gram]), int(self._starts[gram + 1]))
        return self._mapped["numbers"][part], self._mapped["weights"][part]

    def _texts(self, gram: int) -> list[tuple[IntArray, FloatArray]]:
        """Return (numbers, weights) of the texts with a gram, in one piece or two."""
        found = []
        if gram < len(self._starts) - 1:
            found.append(self._stored(gram))
        if gram in self._numbers:
            late = self._numbers[gram], self._weights[gram]
            found.append((np.frombuffer(late[0], np.int32), np.frombuffer(late[1], np.float32)))
        return found

    def save(self, path: Path) -> None:
        """Write the index, or nothing but a link to it where few texts were added since: they are added again.

        It can be computed from the texts, which are kept elsewhere; ``path`` has no suffix.
        """
        target = path.with_suffix(DERIVED)
        if self._size - self._written <= max(FEW, self._written // 64) and link(self._file, target):
            return
        parts = [self._texts(gram) for gram in range(len(self._gram))]
        flat = [one for part in parts for one in part]
        arrays = strings_arrays("grams", self._gram)
        counts = [sum(len(numbers) for numbers, _ in part) for part in parts]
        arrays["starts"] = np.concatenate([[0], np.cumsum(np.array(counts, np.int64))])
        arrays["numbers"] = np.concatenate([np.empty(0, np.int32), *(numbers for numbers, _ in flat)])
        arrays["weights"] = np.concatenate([np.empty(0, np.float32), *(weights for _, weights in flat)])
        arrays["size"] = np.array([self._size])
        write_arrays(target, arrays)

    @classmethod
    def open(cls, path: Path, texts: Sequence[str]) -> Self:
        """Map what ``save`` wrote, and add the texts that came after it; ``texts`` are all, by number."""
        index = cls()
        if path.with_suffix(DERIVED).exists():  # else it is of the first format: it is made again
            arrays = open_arrays(path.with_suffix(DERIVED))
            index._gram = {name: place for place, name in enumerate(strings_of("grams", arrays))}
            index._starts, index._mapped = arrays["starts"], arrays
            index._size = index._written = int(arrays["size"][0])
            index._file = path.with_suffix(DERIVED)
        for text in texts[index._size :]:
            index.add(text)
        return index


def _vector(text: str) -> tuple[list[str], list[float]]:
    counts = grams(text)
    weights = 1.0 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))
    return list(counts), (weights / np.sqrt(weights @ weights)).tolist()
