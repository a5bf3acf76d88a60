"""Searches answered as of their time by workers, each of which walks through the same past.

What a search may know is all that happened before it. So a worker learns every piece of the past in its order, and
answers the searches of those pieces that fall to it: answering costs most of a walk, and is divided; learning is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ltrr_cli.core.config import Settings
from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.types import Impression, Profile
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.learning.past_pieces import Step, read_piece, write_piece

Given = TypeVar("Given")
Found = TypeVar("Found")

SEARCHES = 20  # of a piece: the part of a worker
STEPS = 1_000  # of a piece in which less is asked


@dataclass(frozen=True, slots=True)
class WalkTerms(Generic[Given]):
    """What workers walk through a past with.

    checkpoint -- folder of what was learnt before it; None: nothing was
    pieces     -- folder of its pieces
    given      -- what else decides how searches are answered
    """

    settings: Settings
    catalog: Path
    checkpoint: Path | None
    pieces: Path
    given: Given


class Walker(Generic[Given]):
    """One worker: a snapshot, and how many pieces it has learnt.

    arrange -- makes the snapshot that answers of the one that was opened, and of what is given
    """

    def __init__(self, terms: WalkTerms[Given], arrange: Callable[[Snapshot, Given], Snapshot]) -> None:
        self._terms, self._arrange = terms, arrange
        self._snapshot: Snapshot | None = None
        self._next = 0

    def answered(self, number: int, answer: Callable[[Snapshot, Impression], Found]) -> list[Found]:
        """Return what comes of the searches of a piece, in time order; quick where the piece is after the last one."""
        snapshot = self._snapshot
        self._snapshot = None  # who fails half-way begins anew
        if snapshot is None or number < self._next:
            terms, self._next = self._terms, 0
            opened = open_snapshot(terms.settings, terms.catalog, terms.checkpoint, serving=False)
            snapshot = self._arrange(opened, terms.given)
        for earlier in range(self._next, number):
            for _ in self._learnt(snapshot, earlier):
                continue
        found = [answer(snapshot, search) for search in self._learnt(snapshot, number)]
        self._snapshot, self._next = snapshot, number + 1
        return found

    def _learnt(self, snapshot: Snapshot, number: int) -> Iterator[Impression]:
        """Learn a piece, and yield each of its searches when all before it is learnt."""
        people, fits, steps = read_piece(self._terms.pieces, number)
        snapshot.meet(people)
        for strategy in snapshot.strategies.values() if fits else ():
            strategy.take_fits(fits)
        for step in steps:
            if isinstance(step, Impression):
                yield step
            elif isinstance(step, CountedDay):
                snapshot.learn_counts(step)
            else:
                snapshot.learn(step)


def cut(folder: Path, steps: Iterable[Step], people: Sequence[Profile] = ()) -> Iterator[tuple[int, list[str]]]:
    """Write a past piece by piece; yield (number, its searches) of each in which something is asked, once it is there.

    What comes after the last search is not written: nobody needs it.
    """
    number, piece, searches = 0, list[Step](), list[str]()
    for step in steps:
        piece.append(step)
        if isinstance(step, Impression):
            searches.append(step.impression_id)
        if len(searches) == SEARCHES or len(piece) >= STEPS:
            write_piece(folder, number, piece, people)
            if searches:
                yield number, searches
            number, piece, searches, people = number + 1, [], [], ()
    if searches:
        write_piece(folder, number, piece, people)
        yield number, searches
