"""Sparse tables of (key, row) pairs in flat arrays: sorted, with a short tail where new pairs arrive.

A pair costs the bytes of its columns and eight for its code; no Python object stands for it. What arrives stands apart
from the sorted ones, found through a short index, until there is enough to be worth sorting in (log-structured merge;
O'Neil et al., 1996). On disk it is the same: see ``storage.segments``. So a table that was opened costs what is
asked of it, and what is added to it, never its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.core.types import BoolArray, IntArray, MomentArray
from ltrr_cli.storage.merging import ROOM, Merge, grown
from ltrr_cli.storage.segments import Arrays, TableFile

TAIL = 16_384  # pairs that wait unsorted, at least; a thirty-second of the sorted ones where that is more

Kind = tuple[str, tuple[int, ...], int]  # (dtype, shape of an entry, what it is where a pair is new)


def codes_of(keys: Sequence[int] | IntArray | MomentArray, rows: Sequence[int] | IntArray) -> MomentArray:
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
    """Columns by pair. A place is where a pair stands: among the sorted ones, or behind them as it came.

    kinds -- of the columns, by name
    """

    kinds: ClassVar[dict[str, Kind]] = {}

    def __init__(self, codes: MomentArray | None = None, columns: Arrays | None = None) -> None:
        self._code: MomentArray = np.empty(0, np.int64) if codes is None else codes  # (capacity,), ``ordered`` ascend
        self._ordered = len(self._code)
        self._columns = columns or {name: self._new(kind, self._ordered) for name, kind in self.kinds.items()}
        self._late_code: MomentArray = np.empty(0, np.int64)  # (capacity,) of those behind them, as they came
        self._late = {name: self._new(kind, 0) for name, kind in self.kinds.items()}
        self._tail: MomentArray = np.empty(0, np.int64)  # codes of these, ascending
        self._tail_place: IntArray = np.empty(0, np.int32)  # and where each stands among them
        self._file = TableFile()

    def __len__(self) -> int:
        return self._ordered + len(self._tail)

    # ------------------------------------------------------------ finding

    def codes(self, places: IntArray | slice) -> MomentArray:
        """Return (n,) int64 codes of some pairs."""
        return self._take(self._code, self._late_code, places)

    def rows(self, places: IntArray | slice) -> IntArray:
        """Return the entity rows of some pairs."""
        rows: IntArray = self.codes(places).astype(np.int32)  # the lower half
        return rows

    def pairs_of(self, keys: Sequence[int] | IntArray) -> tuple[IntArray, IntArray]:
        """Return (places, index into ``keys``) of all pairs of some keys, key by key, rows ascending.

        Places hold until the next pair is added.
        """
        if not len(keys) or not len(self):
            return np.empty(0, np.int32), np.empty(0, np.int32)
        of = np.asarray(keys, np.int64)
        found, key = _between(self._code[: self._ordered], of)
        places: IntArray = found.astype(np.int32)
        if len(self._tail):
            late, late_key = _between(self._tail, of)
            if len(late):
                places = np.concatenate([places, self._ordered + self._tail_place[late]])
                key = np.concatenate([key, late_key])
                order = np.lexsort((self.codes(places), key))
                places, key = places[order], key[order]
        return places, key.astype(np.int32)

    def find(self, codes: MomentArray) -> IntArray:
        """Return (n,) int32 places, -1 where a pair is not there."""
        ordered = self._code[: self._ordered]
        places = np.searchsorted(ordered, codes)
        known = places < self._ordered
        known[known] = ordered[places[known]] == codes[known]
        other = np.flatnonzero(~known)
        if len(other):
            at = np.searchsorted(self._tail, codes[other])
            there = at < len(self._tail)
            there[there] = self._tail[at[there]] == codes[other][there]
            places[other] = -1
            places[other[there]] = self._ordered + self._tail_place[at[there]]
        return places.astype(np.int32)

    # ------------------------------------------------------------ changing

    def places(self, codes: MomentArray) -> IntArray:
        """Return the places of pairs whose columns are to be changed, made where they are new; others may move."""
        if len(self._tail) > max(TAIL, self._ordered // 32):
            self._sort_in()
        self._file.note(codes)
        places = self.find(codes)
        new = places < 0
        if new.any():
            distinct = np.unique(codes[new])
            self._append(distinct)
            places[new] = self._ordered + self._tail_place[np.searchsorted(self._tail, codes[new])]
        return places

    def _append(self, distinct: MomentArray) -> None:
        start, size = len(self._tail), len(self._tail) + len(distinct)
        if size > len(self._late_code):
            self._late_code = grown(self._late_code, ROOM * size)
            self._late = {name: grown(column, ROOM * size) for name, column in self._late.items()}
        self._late_code[start:size] = distinct
        for name, (_, _, fill) in self.kinds.items():
            self._late[name][start:size] = fill
        at = np.searchsorted(self._tail, distinct)
        self._tail = np.insert(self._tail, at, distinct)
        self._tail_place = np.insert(self._tail_place, at, np.arange(start, size, dtype=np.int32))

    def column(self, name: str, places: IntArray | slice) -> np.ndarray:
        """Return a column's entries."""
        return self._take(self._columns[name], self._late[name], places)

    def put(self, name: str, places: IntArray, values: np.ndarray) -> None:
        """Set a column's entries at distinct places."""
        late = places >= self._ordered
        if not late.any():
            self._columns[name][places] = values
            return
        self._columns[name][places[~late]] = values[~late]
        self._late[name][places[late] - self._ordered] = values[late]

    def add_to(self, name: str, places: IntArray, values: np.ndarray) -> None:
        """Add to a column's entries, one after another."""
        distinct, of = np.unique(places, return_inverse=True)
        total = self.column(name, distinct)
        np.add.at(total, of, values)
        self.put(name, distinct, total)

    def _take(self, ordered: np.ndarray, late: np.ndarray, places: IntArray | slice) -> np.ndarray:
        """Return copies of what stands at some places."""
        if isinstance(places, slice):
            places = np.arange(*places.indices(len(self)), dtype=np.int32)
        behind = places >= self._ordered
        if not behind.any():
            return ordered[places]
        found = np.empty((len(places), *ordered.shape[1:]), ordered.dtype)
        found[~behind] = ordered[places[~behind]]
        found[behind] = late[places[behind] - self._ordered]
        return found

    def in_order(self) -> MomentArray:
        """Sort everything in and return all codes, ascending."""
        self._sort_in()
        return self._code[: self._ordered]

    def _sort_in(self) -> None:
        count = len(self._tail)
        if not count:
            return
        start, size = self._ordered, self._ordered + count
        move = Merge(
            start, np.searchsorted(self._code[:start], self._tail) + np.arange(count), start + self._tail_place
        )
        self._code = self._merged(self._code, self._late_code, size, move)
        for name, column in self._columns.items():
            self._columns[name] = self._merged(column, self._late[name], size, move)
        self._ordered = size
        self._tail, self._tail_place = np.empty(0, np.int64), np.empty(0, np.int32)

    def _merged(self, ordered: np.ndarray, late: np.ndarray, size: int, move: Merge) -> np.ndarray:
        if size > len(ordered):
            ordered = grown(ordered, ROOM * size)
        ordered[self._ordered : size] = late[: size - self._ordered]
        move(ordered)
        return ordered

    @staticmethod
    def _new(kind: Kind, size: int) -> np.ndarray:
        dtype, shape, fill = kind
        return np.full((size, *shape), fill, dtype)

    # ------------------------------------------------------------ disk

    def save(self, path: Path) -> None:
        """Write the table, or what changed since it was opened; ``path`` has no suffix."""
        self._file.save(path, self._every, self._some)

    def _every(self) -> Arrays:
        codes = self.in_order()
        return {"code": codes} | {name: column[: len(codes)] for name, column in self._columns.items()}

    def _some(self, codes: MomentArray) -> Arrays:
        places = self.find(codes)
        return {"code": codes} | {name: self.column(name, places) for name in self.kinds}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote."""
        file, base, changes = TableFile.open(path)
        table = cls(base.pop("code"), base)
        if changes is not None:
            places = table.places(changes["code"])
            for name in cls.kinds:
                table.put(name, places, changes[name])
        table._file = file
        return table


def of_npz(path: Path) -> tuple[MomentArray, Arrays]:
    """Return (codes ascending, columns) of the one file that a table was; in 0.1.0 rows of a key stood as they came."""
    with np.load(path, allow_pickle=False) as stored:
        columns = {name: stored[name] for name in stored.files}
    if "code" in columns:
        return columns.pop("code"), columns
    codes = codes_of(np.repeat(np.arange(len(columns["counts"])), columns.pop("counts")), columns.pop("row"))
    order = np.argsort(codes, kind="stable")
    return codes[order], {name: column[order] for name, column in columns.items()}


def _between(codes: MomentArray, keys: MomentArray) -> tuple[MomentArray, MomentArray]:
    """Return (places among ascending codes, index into ``keys``) of all pairs of some keys, key by key."""
    starts, ends = np.searchsorted(codes, keys << 32), np.searchsorted(codes, (keys + 1) << 32)
    sizes = ends - starts
    key = np.repeat(np.arange(len(keys)), sizes)
    first = np.cumsum(sizes) - sizes
    return np.arange(len(key)) + np.repeat(starts - first, sizes), key


def rounds(places: IntArray) -> list[IntArray]:
    """Split 0..n-1 so that every part has distinct places, and equal places follow one another in order.

    >>> [part.tolist() for part in rounds(np.array([7, 3, 7, 7]))]
    [[0, 1], [2], [3]]
    """
    if len(places) == len(set(places[:32].tolist())):  # a few, all of them distinct
        return [np.arange(len(places), dtype=np.int32)][: len(places)]
    order = np.argsort(places, kind="stable")
    first = np.r_[True, places[order][1:] != places[order][:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(len(places)), 0))
    nth = np.empty(len(places), np.int64)
    nth[order] = np.arange(len(places)) - start
    return np.split(np.argsort(nth, kind="stable"), np.cumsum(np.bincount(nth))[:-1])


class TotalCounts(SortedTable):
    """One undecayed count per pair: how often an entity was acted on for a word."""

    kinds: ClassVar[dict[str, Kind]] = {"total": ("<f4", (), 0)}

    def add(self, codes: MomentArray, weights: np.ndarray) -> None:
        """Count actions; weights (n,) float32."""
        self.add_to("total", self.places(codes), weights)

    def totals(self, places: IntArray | slice) -> np.ndarray:
        """Return (n,) float32."""
        return self.column("total", places)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote, or read an ``.npz``; in 0.1.0 words had counts at every half-life."""
        if not path.with_suffix(".npz").exists():
            return super().open(path)
        codes, columns = of_npz(path.with_suffix(".npz"))
        return cls(codes, {"total": columns["total"] if "total" in columns else columns["value"][:, -1]})


class DistinctCounts(SortedTable):
    """A set of 64-bit hashes in eight bytes each."""

    def add(self, hashes: np.ndarray) -> BoolArray:
        """Take in hashes (n,) uint64; return which were new, of equal ones the first."""
        codes = hashes.view(np.int64)
        new = self.find(codes) < 0
        distinct, first = np.unique(codes[new], return_index=True)
        if len(distinct):
            self.places(distinct)
        found: BoolArray = np.zeros(len(hashes), np.bool_)
        found[np.flatnonzero(new)[first]] = True
        return found

    @classmethod
    def open(cls, path: Path) -> Self:
        """Map what ``save`` wrote, or read the ``.npy`` that it was."""
        old = path.with_suffix(".npy")
        return cls(np.sort(np.load(old, allow_pickle=False).view(np.int64))) if old.exists() else super().open(path)
