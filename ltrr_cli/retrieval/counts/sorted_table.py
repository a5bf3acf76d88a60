"""Sparse tables of (key, row) pairs in flat arrays: sorted, with a short tail where new pairs arrive.

A pair costs the bytes of its columns and eight for its code; no Python object stands for it. What arrives stands behind
the sorted ones, found through a short index, until there is enough to be worth sorting in (log-structured merge; O'Neil
et al., 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from ltrr_cli.core.types import BoolArray, IntArray, MomentArray
from ltrr_cli.storage.merging import ROOM, Ascending, Merge, grown

TAIL = 16_384  # pairs that wait unsorted, at least; a thirty-second of the sorted ones where that is more


def codes_of(keys: Sequence[int] | MomentArray, rows: Sequence[int] | IntArray) -> MomentArray:
    """Return (n,) int64: key and row in one number that sorts by key, then by row."""
    codes: MomentArray = (np.asarray(keys, np.int64) << 32) | np.asarray(rows, np.int64)
    return codes


def mixed(hashes: np.ndarray, codes: MomentArray) -> np.ndarray:
    """Return (n,) uint64: one hash of a hash and a code (the finaliser of SplitMix64; Steele et al., OOPSLA 2014)."""
    mix = hashes ^ (codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    mix = (mix ^ (mix >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mix = (mix ^ (mix >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    found: np.ndarray = mix ^ (mix >> np.uint64(31))
    return found


class SortedTable:
    """Finds the place of a pair. Subclasses hold columns by place, and move them when places change.

    code -- (capacity,) int64; the first ``ordered`` ascend, the rest stand as they came
    """

    def __init__(self, codes: MomentArray | None = None) -> None:
        self._code: MomentArray = np.empty(0, np.int64) if codes is None else codes
        self._size = self._ordered = len(self._code)
        self._tail: MomentArray = np.empty(0, np.int64)  # codes of the rest, ascending
        self._tail_place: IntArray = np.empty(0, np.int32)  # and where each stands

    def __len__(self) -> int:
        return self._size

    def rows(self, places: IntArray | slice) -> IntArray:
        """Return the entity rows of some pairs."""
        rows: IntArray = self._code[places].astype(np.int32)  # the lower half
        return rows

    def pairs_of(self, keys: Sequence[int]) -> tuple[IntArray, IntArray]:
        """Return (places, index into ``keys``) of all pairs of some keys, key by key, rows ascending.

        Places hold until the next pair is added.
        """
        if not len(keys) or not self._size:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        of = np.asarray(keys, np.int64)
        ordered = self._code[: self._ordered]
        bounds = (
            np.searchsorted(codes, edge).tolist()
            for codes in (ordered, self._tail)
            for edge in (of << 32, (of + 1) << 32)
        )
        parts, sizes = [], []
        for start, end, late, later in zip(*bounds, strict=True):
            part = np.arange(start, end, dtype=np.int32)
            if later > late:
                part = np.concatenate([part, self._tail_place[late:later]])
                part = part[np.argsort(self._code[part], kind="stable")]
            parts.append(part)
            sizes.append(len(part))
        return np.concatenate(parts), np.repeat(np.arange(len(keys), dtype=np.int32), sizes)

    def places(self, codes: MomentArray) -> IntArray:
        """Return the places of pairs, made where they are new; earlier places may change."""
        if len(self._tail) > max(TAIL, self._ordered // 32):
            self._sort_in()
        ordered = self._code[: self._ordered]
        places = np.searchsorted(ordered, codes)
        known = places < self._ordered
        known[known] = ordered[places[known]] == codes[known]
        if not known.all():
            new = np.flatnonzero(~known)
            places[new] = self._late(codes[new])
        return places.astype(np.int32)

    def in_order(self) -> MomentArray:
        """Sort everything in and return all codes, ascending."""
        self._sort_in()
        return self._code[: self._size]

    def _late(self, codes: MomentArray) -> IntArray:
        """Return the places of pairs that are not among the sorted ones."""
        distinct = np.sort(codes)
        distinct = distinct[np.diff(distinct, prepend=-1) != 0]
        at = np.searchsorted(self._tail, distinct)
        known = at < len(self._tail)
        known[known] = self._tail[at[known]] == distinct[known]
        new, at = distinct[~known], at[~known]
        size = self._size + len(new)
        if size > len(self._code):
            capacity = ROOM * size
            self._code = grown(self._code, capacity)
            self._grow(capacity)
        self._code[self._size : size] = new
        self._begin(slice(self._size, size))
        self._tail = np.insert(self._tail, at, new)
        self._tail_place = np.insert(self._tail_place, at, np.arange(self._size, size, dtype=np.int32))
        self._size = size
        return self._tail_place[np.searchsorted(self._tail, codes)]

    def _sort_in(self) -> None:
        if len(self._tail):
            to = np.searchsorted(self._code[: self._ordered], self._tail) + np.arange(len(self._tail))
            move = Merge(self._ordered, to, self._tail_place)
            move(self._code)
            self._move(move)
            self._ordered = self._size
            self._tail, self._tail_place = np.empty(0, np.int64), np.empty(0, np.int32)

    def _grow(self, capacity: int) -> None:
        """Make room for as many places in every column; what is new must be zero."""
        raise NotImplementedError

    def _begin(self, places: slice) -> None:
        """Fill in what is not zero where a pair is new."""

    def _move(self, move: Merge) -> None:
        """Let ``move`` rearrange every column."""
        raise NotImplementedError


def rounds(places: IntArray) -> list[IntArray]:
    """Split 0..n-1 so that every part has distinct places, and equal places follow one another in order.

    >>> [part.tolist() for part in rounds(np.array([7, 3, 7, 7]))]
    [[0, 1], [2], [3]]
    """
    order = np.argsort(places, kind="stable")
    first = np.r_[True, places[order][1:] != places[order][:-1]] if len(places) else np.empty(0, np.bool_)
    start = np.maximum.accumulate(np.where(first, np.arange(len(places)), 0))
    nth = np.empty(len(places), np.int64)
    nth[order] = np.arange(len(places)) - start
    by_turn = np.argsort(nth, kind="stable")
    return np.split(by_turn, np.cumsum(np.bincount(nth))[:-1]) if len(places) else []


class TotalCounts(SortedTable):
    """One undecayed count per pair: how often an entity was acted on for a word."""

    def __init__(self, codes: MomentArray | None = None, totals: np.ndarray | None = None) -> None:
        super().__init__(codes)
        self._total = np.zeros(self._size, np.float32) if totals is None else totals

    def add(self, codes: MomentArray, weights: np.ndarray) -> None:
        """Count actions; weights (n,) float32."""
        places = self.places(codes)  # before the column is looked at: it may move
        np.add.at(self._total, places, weights)

    def totals(self, places: IntArray | slice) -> np.ndarray:
        """Return (n,) float32."""
        return self._total[places]

    def save(self, path: Path) -> None:
        """Write one .npz, pairs sorted by key and row."""
        codes = self.in_order()
        np.savez(path, code=codes, total=self._total[: len(codes)])

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what ``save`` wrote, also before 0.1.1, when words had counts at every half-life."""
        with np.load(path, allow_pickle=False) as stored:
            if "code" in stored:
                return cls(stored["code"], stored["total"])
            codes = codes_of(np.repeat(np.arange(len(stored["counts"])), stored["counts"]), stored["row"])
            order = np.argsort(codes, kind="stable")
            return cls(codes[order], stored["value"][order, -1])

    def _grow(self, capacity: int) -> None:
        self._total = grown(self._total, capacity)

    def _move(self, move: Merge) -> None:
        move(self._total)


class DistinctCounts:
    """A set of 64-bit hashes in eight bytes each."""

    def __init__(self, hashes: np.ndarray | None = None) -> None:
        self._sorted = Ascending(np.empty(0, np.uint64) if hashes is None else hashes)
        self._tail = np.empty(0, np.uint64)  # ascending too

    def add(self, hashes: np.ndarray) -> BoolArray:
        """Take in hashes (n,) uint64; return which were new, of equal ones the first."""
        if len(self._tail) > max(TAIL, len(self._sorted) // 32):
            self.in_order()
        new = ~(_among(self._sorted.values, hashes) | _among(self._tail, hashes))
        distinct, first = np.unique(hashes[new], return_index=True)
        self._tail = np.insert(self._tail, np.searchsorted(self._tail, distinct), distinct)
        found: BoolArray = np.zeros(len(hashes), np.bool_)
        found[np.flatnonzero(new)[first]] = True
        return found

    def in_order(self) -> np.ndarray:
        """Return all, ascending."""
        self._sorted.add(self._tail)
        self._tail = np.empty(0, np.uint64)
        return self._sorted.values


def _among(ascending: np.ndarray, hashes: np.ndarray) -> BoolArray:
    place = np.searchsorted(ascending, hashes)
    found: BoolArray = place < len(ascending)
    found[found] = ascending[place[found]] == hashes[found]
    return found
