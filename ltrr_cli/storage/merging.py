"""Sorted columns that more is merged into where they stand: a copy of all would be most of a fold's memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ltrr_cli.core.types import IntArray, MomentArray

ROOM = 4  # times what there is, where an array must grow: pages that nobody wrote to cost nothing, copies do
PIECE = 65_536  # entries that are moved at a time

Array = np.ndarray[Any, np.dtype[Any]]


def grown(array: Array, capacity: int) -> Array:
    """Return a copy with room for more, zero there."""
    more = np.zeros((capacity, *array.shape[1:]), array.dtype)
    more[: len(array)] = array
    return more


class Merge:
    """Sorts a tail into the sorted rest of a column, in the column's own memory: from the end, piece by piece.

    ordered -- how many are sorted
    to, of  -- where every one of the tail goes (ascending), and where it stands now

    >>> column = np.array([10, 30, 50, 40, 20])
    >>> Merge(3, np.array([1, 3]), np.array([4, 3]))(column)
    >>> column.tolist()
    [10, 20, 30, 40, 50]
    """

    def __init__(self, ordered: int, to: MomentArray, of: IntArray | MomentArray) -> None:
        self._ordered, self._to, self._of = ordered, to, of

    def __call__(self, column: Array) -> None:
        """Rearrange one column."""
        late, stop = column[self._of], self._ordered + len(self._of)
        left = len(late)  # not placed yet
        while left:
            start = max(stop - PIECE, 0)
            first = int(np.searchsorted(self._to, start))
            put = self._to[first:left] - start
            stays = np.ones(stop - start, np.bool_)
            stays[put] = False
            piece = np.empty((stop - start, *column.shape[1:]), column.dtype)
            piece[put] = late[first:left]
            piece[stays] = column[start - first : stop - left]
            column[start:stop] = piece  # whatever stood here was moved to the right before, or is in this piece
            left, stop = first, start


class Ascending:
    """Numbers in order, each as many bytes as its kind has."""

    def __init__(self, numbers: Array) -> None:
        self._room, self._size = numbers, len(numbers)

    def __len__(self) -> int:
        return self._size

    @property
    def values(self) -> Array:
        """All of them, ascending; the view holds until more are added."""
        return self._room[: self._size]

    def add(self, more: Array) -> None:
        """Take in numbers that ascend."""
        start, self._size = self._size, self._size + len(more)
        to = np.searchsorted(self._room[:start], more) + np.arange(len(more))
        if self._size > len(self._room):
            self._room = grown(self._room, ROOM * self._size)
        self._room[start : self._size] = more
        Merge(start, to, np.arange(start, self._size))(self._room)
