"""Where a fold can go on: learned generations, and checkpoints written on the way, a few of them kept.

A checkpoint says up to which event it has learnt, and how far the journal had grown by then. Whatever came since must
be later than that; else an older one is gone on from, and what came between is learnt again. Those that are kept are
spaced: few are far back, so that something late costs about as much as what came after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_past import BEFORE_ALL, JournalGrowth, Position

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

LEARNED, CHECKPOINTS = "learned", "checkpoints"  # kinds of generations
FILE = "checkpoint.json"
FORMAT = 2  # raise it where the same events come to be learnt as something else
BACK = (4, 16, 64)  # a fold writes checkpoints a quarter, a sixteenth ... of its events before its end
FEWEST = 1_000  # events of a fold that are worth it


class Checkpoint(msgspec.Struct, frozen=True):
    """Up to where was learnt, by what, and how far the journal had grown (``checkpoint.json``).

    made_by  -- a digest of all that decides what events are learnt as: settings, catalog, strategies
    position -- None: nothing was learnt
    events   -- learnt in all, rows of daily counts among them
    """

    made_by: str
    marks: JournalGrowth
    position: Position | None
    events: int


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint, and where it lies."""

    kind: str
    number: int
    checkpoint: Checkpoint


def folder_of(state: State, found: Found | None) -> Path | None:
    """Return where a checkpoint lies; None for none."""
    return None if found is None else state.generations.folder(found.kind, found.number)


def made_by(state: State, catalog: int, rewards: Rewards) -> str:
    """Return a digest of all that decides what events are learnt as; the scales of ratings are the whole journal's."""
    settings = state.settings
    parts = (
        FORMAT, settings.feedback, settings.allocation, settings.retrieval, sorted(rewards.scales.items()),
        state.generations.seal_of("catalog", catalog),
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it into the folder of what was learnt."""
    (folder / FILE).write_bytes(msgspec.json.encode(checkpoint))


def read(folder: Path) -> Checkpoint | None:
    """Return what a folder says; None where it says nothing, for it was written by an older version."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Checkpoint)
    except (OSError, msgspec.MsgspecError):
        return None


def checkpoints(state: State) -> list[Found]:
    """Return all that lie there, the furthest first."""
    found = [
        Found(kind, number, checkpoint)
        for kind in (LEARNED, CHECKPOINTS)
        for number in state.generations.numbers(kind)
        if (checkpoint := read(state.generations.folder(kind, number))) is not None
    ]
    return sorted(found, key=lambda one: (_order(one.checkpoint.position), one.kind, one.number), reverse=True)


def _order(position: Position | None) -> tuple[int, str]:
    return (BEFORE_ALL.time_ms - 1, "") if position is None else position.values()


def furthest(state: State, by: str, before_ms: int | None = None) -> Found | None:
    """Return the checkpoint to go on from: the furthest that nothing new reaches back before.

    before_ms -- of those alone that end before a moment
    """
    for one in checkpoints(state):
        known = one.checkpoint
        if before_ms is not None and known.position is not None and known.position.time_ms >= before_ms:
            continue
        if known.made_by != by or known.position is None or state.journal.reaches_back(known.marks, known.position):
            continue
        if state.generations.is_sound(one.kind, one.number):
            return one
    return None


def stops(journal: Journal, position: Position | None, events: int, rows: int = 0) -> list[int]:
    """Return the moments at which a fold of so many events and rows of counts is to write checkpoints, ascending."""
    start = position or BEFORE_ALL
    moments: set[int | None] = set()
    for back in BACK:
        if events >= FEWEST:
            moments.add(journal.moment_at(start, events - events // back))
        if rows >= FEWEST:
            moments.add(journal.counted_moment(start.time_ms, rows - rows // back))
    found = sorted(moment for moment in moments if moment is not None and moment > start.time_ms)
    return [moment for moment in found if _left(journal, moment)]


def _left(journal: Journal, moment: int) -> bool:
    """Say whether something is left to be learnt after a moment."""
    return journal.moment_at(Position(moment + 1), 0) is not None or bool(journal.counted_days(moment))


def kept(found: Sequence[Found], by: str, events: int) -> set[tuple[str, int]]:
    """Return (kind, number) of those to keep: of those about as far back, the nearest and the furthest.

    events -- learnt by now
    """
    rooms: dict[int, list[Found]] = {}
    for one in found if events >= FEWEST else ():  # all is soon learnt anew
        if one.checkpoint.made_by == by and one.checkpoint.position is not None:
            rooms.setdefault(_distance(events - one.checkpoint.events, events), []).append(one)
    ends = (one for room in rooms.values() for one in _ends(room))
    return {(one.kind, one.number) for one in ends}


def _distance(back: int, events: int) -> int:
    """Return 0 for what is less than a sixty-fourth of the events back, and one more for each four times that."""
    return sum(back * part >= events for part in BACK)


def _ends(room: Iterable[Found]) -> list[Found]:
    ordered = sorted(room, key=lambda one: one.checkpoint.events)
    return [ordered[0], ordered[-1]]
