"""Logs that grow: taken in line by line as they are written, learnt from now and then.

A log is watched by its name, as ``tail -F`` does: one that was renamed is read to its end before the new one is, one
that was truncated or written anew is read whole. A last line without an end waits for its end.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ltrr_cli.core.errors import DataError, LockedError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.feedback.log_source import is_table
from ltrr_cli.feedback.quarantine import Quarantine
from ltrr_cli.feedback.taken import Taken, check
from ltrr_cli.feedback.type_counts import type_counts
from ltrr_cli.learning import ingest as ingestion
from ltrr_cli.learning.ingest import Aside
from ltrr_cli.learning.log_position import LogPosition, log_position, reader_of
from ltrr_cli.learning.publish import Learnt, learn
from ltrr_cli.learning.records import IngestReport
from ltrr_cli.storage.journal import Journal

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

POLL = 0.5  # seconds between two looks
BLOCK = 4_096  # bytes before the place that have to be what they were: a log that was written anew may be longer


class Stop(Protocol):
    """Says when following a log must end; ``threading.Event`` is one."""

    def wait(self, timeout: float) -> bool:
        """Wait at most so many seconds; True once it is to end."""
        ...


def follow(
    state: State,
    sources: Sequence[str | Path],
    format: str,  # noqa: A002 -- the word users know from the command line
    undated: bool,
    max_bad: float | None,
    every: float,
    stop: Stop,
    progress: Progress,
    mapping: Mapping[str, str] | None = None,
) -> IngestReport:
    """Take in logs as they grow; see ``Workspace.follow``."""
    if not sources:
        raise UsageError("no log to follow", hint="ltrr ingest-feedback LOG... --follow")
    start = perf_counter()
    state.current()
    journal, learnt, learnt_at = state.journal, None, monotonic()
    share = state.settings.feedback.max_bad if max_bad is None else max_bad
    names = {**state.settings.feedback.map, **(mapping or {})}
    kept = Quarantine(state.home / "quarantine" / "feedback.jsonl")
    aside, known, ended = ingestion.into(kept), 0, False
    with kept, _tails(journal, sources, reader_of(format, undated, names), share) as tails:
        for looks in _count():
            ended = stop.wait(POLL if looks else 0.0)
            if any([tail.looks_new() for tail in tails]):
                with journal.whole():
                    for tail in tails:
                        tail.take(journal, format, undated, aside, progress, names)
                        if ended and tail.left:
                            tail.take(journal, format, undated, aside, progress, names)
                    if not looks:  # what is there already is a log like any other; what comes later stops nothing
                        for tail in tails:
                            check(tail.taken, share, kept.path if kept.count else None)
            accepted = sum(tail.taken.accepted for tail in tails)
            if accepted > known and (ended or not looks or monotonic() - learnt_at >= every):
                try:
                    with state.publishing("ingest-feedback"):
                        learnt = learn(state, progress)
                    known = accepted
                except LockedError:
                    if ended:
                        raise  # all is in the journal: the next publication learns it
                learnt_at = monotonic()
            if ended:
                break
        report = _report(tails, learnt, kept, perf_counter() - start)
        types = type_counts(_kinds(tails), state.settings.feedback, journal.kinds)
        return replace(report, types=types, notes=tuple(note for tail in tails for note in tail.taken.sayings()))


def _count() -> Iterator[int]:
    looks = 0
    while True:
        yield looks
        looks += 1


@contextmanager
def _tails(
    journal: Journal,
    sources: Sequence[str | Path],
    reader: str,
    share: float,
) -> Iterator[list[Tail]]:
    tails: list[Tail] = []
    try:
        for source in sources:
            tails.append(Tail(journal, source, reader, share))
        yield tails
    finally:
        for tail in tails:
            tail.file.close()


class Tail:
    """One log that is followed: the open file, and how far it was read."""

    def __init__(self, journal: Journal, source: str | Path, reader: str, share: float) -> None:
        self.source, self.taken = source, Taken()
        place = log_position(journal, source, reader, share)
        if place is None:
            there = str(source) != "-" and Path(source).is_file()
            said = "a table" if is_table(source) else "compressed" if there else "no file"
            raise DataError(f"{source}: {said}: it does not grow", hint="follow plain files; leave out --follow")
        self.place = place
        self.place.whole_only = True
        self.file: BinaryIO = Path(source).open("rb")  # noqa: SIM115 -- closed by ``_tails``
        self._before = self._block()
        self.left = False  # another file has the name by now
        place.begin(self.taken)

    def looks_new(self) -> bool:
        """Say whether there may be something to read."""
        return self.left or self._renamed() or os.fstat(self.file.fileno()).st_size != self.place.seen

    def take(
        self,
        journal: Journal,
        format: str,  # noqa: A002
        undated: bool,
        aside: Aside,
        progress: Progress,
        names: Mapping[str, str],
    ) -> None:
        """Journal the lines that have come, and turn to another file where one has the name."""
        left, self.left = self.left, self._renamed()
        self._read(journal, format, undated, aside, progress, names, last=left)
        if left and self.left:  # it was read once more after it was renamed: its writer had time to leave it
            self.file.close()
            self.file, self.left = Path(self.source).open("rb"), False  # noqa: SIM115
            self._anew()
            self._read(journal, format, undated, aside, progress, names)

    def _read(
        self,
        journal: Journal,
        format: str,
        undated: bool,
        aside: Aside,
        progress: Progress,
        names: Mapping[str, str],
        *,
        last: bool = False,  # noqa: A002
    ) -> None:
        if os.fstat(self.file.fileno()).st_size < self.place.offset or self._block() != self._before:
            self._anew()
        self.place.again(whole_only=not last)
        self.file.seek(0)
        ingestion.take_lines(
            journal, str(self.source), self.file, format, undated, self.taken, aside, progress, self.place, names
        )
        self._before = self._block()

    def _anew(self) -> None:
        self.place = LogPosition(self.place.reader, whole_only=True)
        self.place.begin(self.taken)
        self._before = b""

    def _block(self) -> bytes:
        size = min(BLOCK, self.place.offset)
        self.file.seek(self.place.offset - size)
        return self.file.read(size)

    def _renamed(self) -> bool:
        try:
            there = os.stat(self.source)
        except FileNotFoundError:
            return False  # until a new one has the name, the old one may grow
        return not os.path.samestat(there, os.fstat(self.file.fileno()))


def _kinds(tails: Sequence[Tail]) -> Counter[str]:
    found: Counter[str] = Counter()
    for tail in tails:
        found.update(tail.taken.kinds)
    return found


def _report(tails: Sequence[Tail], learnt: Learnt | None, kept: Quarantine, seconds: float) -> IngestReport:
    def total(name: str) -> int:
        return sum(int(getattr(tail.taken, name)) for tail in tails)

    return IngestReport(
        accepted=total("accepted"),
        duplicates=total("duplicates"),
        conflicts=total("conflicts"),
        orphans=learnt.tally.orphans if learnt else 0,
        late=learnt.tally.late if learnt else 0,
        quarantined=total("refused"),
        outcomes=learnt.tally.outcomes if learnt else 0,
        learned=learnt.number if learnt else None,
        quarantine_file=str(kept.path) if kept.count else None,
        seconds=round(seconds, 3),
        skipped=total("skipped"),
        formats={str(tail.source): tail.place.format for tail in tails if tail.place.format},
        suspects=tuple(ingestion.busy(one) for one in learnt.suspects) if learnt else (),
    )
