"""Which known queries are written like this one? Character n-grams, cosine, an inverted index that grows."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import FloatArray, IntArray

SHORTEST, LONGEST = 2, 4
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
    return Counter(
        padded[start : start + length]
        for length in range(SHORTEST, LONGEST + 1)
        for start in range(len(padded) - length + 1)
    )


class SimilarQueries:
    """An inverted index from n-grams to numbered texts; weights are 1 + log(tf), vectors have length 1."""

    def __init__(self) -> None:
        self._gram: dict[str, int] = {}
        self._numbers: list[array[int]] = []  # gram -> text numbers
        self._weights: list[array[float]] = []  # gram -> weights, parallel
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, text: str) -> int:
        """Add a text and return its number (from 0)."""
        number = self._size
        self._size += 1
        names, weights = _vector(text)
        for name, weight in zip(names, weights, strict=True):
            place = self._gram.setdefault(name, len(self._gram))
            if place == len(self._numbers):
                self._numbers.append(array("i"))
                self._weights.append(array("f"))
            self._numbers[place].append(number)
            self._weights[place].append(weight)
        return number

    def near(self, text: str, limit: int, least: float = 0.0) -> tuple[IntArray, FloatArray]:
        """Return (numbers, cosines) of the nearest texts, best first, ties by number; cosines are above ``least``."""
        names, weights = _vector(text)
        found = [
            (place, weight)
            for name, weight in zip(names, weights, strict=True)
            if (place := self._gram.get(name)) is not None
        ]
        if not found:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        numbers = np.concatenate([np.frombuffer(self._numbers[place], np.int32) for place, _ in found])
        products = np.concatenate(
            [np.frombuffer(self._weights[place], np.float32) * np.float32(weight) for place, weight in found]
        )
        cosine = np.bincount(numbers, products, self._size)
        near = np.flatnonzero(cosine > least)
        order = near[np.lexsort((near, -cosine[near]))][:limit]
        return order.astype(np.int32), np.minimum(cosine[order], 1.0).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write one .npz."""
        np.savez(
            path,
            grams=np.frombuffer("\n".join(self._gram).encode(), np.uint8),
            counts=np.array([len(numbers) for numbers in self._numbers], np.int64),
            numbers=_joined(self._numbers, np.int32),
            weights=_joined(self._weights, np.float32),
            size=np.int64(self._size),
        )

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        index = cls()
        with np.load(path, allow_pickle=False) as stored:
            names = bytes(stored["grams"]).decode().split("\n") if len(stored["grams"]) else []
            ends = np.cumsum(stored["counts"]).tolist()
            numbers, weights = stored["numbers"], stored["weights"]
            index._size = int(stored["size"])
        index._gram = {name: place for place, name in enumerate(names)}
        for start, end in zip([0, *ends], ends, strict=False):
            index._numbers.append(array("i", numbers[start:end].tobytes()))
            index._weights.append(array("f", weights[start:end].tobytes()))
        return index


def _vector(text: str) -> tuple[list[str], list[float]]:
    counts = grams(text)
    weights = 1.0 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))
    return list(counts), (weights / np.sqrt(weights @ weights)).tolist()


def _joined(parts: Sequence[array[int]] | Sequence[array[float]], kind: type[np.generic]) -> np.ndarray:
    return np.concatenate([np.frombuffer(part, kind) for part in parts]) if parts else np.empty(0, kind)
