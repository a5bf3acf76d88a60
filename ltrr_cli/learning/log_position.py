"""How far a log was read, so that one that has grown is read from there on.

A log is known by its content, not by its name or inode: one whose first ``offset`` bytes hash to what was read before
is read on from there, whatever it is called by now. So a renamed or rotated log costs nothing, and one that was
truncated or written anew is read whole. That is work saved and no more: an event is taken in once by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Protocol

from ltrr_cli.feedback.log_source import is_table
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_logs_read import LogRead
from ltrr_cli.text.lines import BadLine, Line, is_compressed

READ_AS = 2  # raise it where lines come to be read as something else, so that logs are read whole again
_CHUNK = 1024 * 1024


class LineCounts(Protocol):
    """What became of lines so far."""

    lines: int
    accepted: int
    duplicates: int
    conflicts: int
    skipped: int
    refused: int


def reader_of(format: str, undated: bool, mapping: Mapping[str, str] | None = None) -> str:  # noqa: A002 -- as users know it
    """Name all that decides what a line is read as, beside the line."""
    names = "".join(f" {ours}={theirs}" for ours, theirs in sorted((mapping or {}).items()))
    return f"{format} {'undated' if undated else 'dated'} {READ_AS}{names}"


@dataclass(slots=True)
class LogPosition:
    """Where the reading of one log stands.

    reader -- all that decides what a line is read as; ``format`` is the one that its lines are in
    begun  -- what was read of it before, None where it is read from its beginning
    from_zero -- its positions count from 0
    """

    reader: str
    format: str = ""
    begun: LogRead | None = None
    offset: int = 0  # one past the last whole line
    number: int = 1  # of the line behind it
    _state: blake2b = field(default_factory=blake2b)  # of all bytes that were seen
    _whole: blake2b = field(default_factory=blake2b)  # of those before ``offset``
    seen: int = 0  # bytes
    _before: tuple[int, ...] = (0,) * 5
    _marked: tuple[int, ...] | None = None
    from_zero: bool = False
    grows: bool = True  # a table does not, and none of its rows is unfinished
    whole_only: bool = False  # leave a last line that has no end yet

    def tap(self, chunk: bytes) -> None:
        """Take note of bytes that were read."""
        cut = chunk.rfind(b"\n") + 1
        if cut:
            self._state.update(chunk[:cut])
            self._whole = self._state.copy()
            self.offset = self.seen + cut
            self.number += chunk.count(b"\n")
        self._state.update(chunk[cut:])
        self.seen += len(chunk)

    def begin(self, taken: LineCounts) -> None:
        """Count what was read before as known, and what comes from here on as of this log."""
        self._before = _numbers(taken)
        if self.begun is not None:
            taken.lines += self.begun.lines
            taken.duplicates += self.begun.known
            taken.conflicts += self.begun.conflicts
            taken.skipped += self.begun.skipped
            taken.refused += self.begun.refused

    def again(self, *, whole_only: bool) -> None:
        """Go back to the last whole line, to read what has come since."""
        self._state, self.seen, self._marked, self.whole_only = self._whole.copy(), self.offset, None, whole_only

    def unfinished(self, line: Line | BadLine) -> bool:
        """Say whether a line that was cut of the bytes seen so far has no end yet."""
        return self.grows and line.offset >= self.offset and not (isinstance(line, BadLine) and line.of_source)

    def mark(self, taken: LineCounts) -> None:
        """Say that all whole lines are counted: what is left has no end yet, and is read again."""
        if self._marked is None:
            self._marked = _numbers(taken)

    def note(self, journal: Journal, taken: LineCounts) -> None:
        """Let the journal remember the place, in place of the one that was begun from."""
        now = self._marked or _numbers(taken)
        lines, known, conflicts, skipped, refused = (
            after - before for after, before in zip(now, self._before, strict=True)
        )
        reading = LogRead(
            self._whole.hexdigest(), self.reader, self.format, self.offset, self.number,
            lines, known, conflicts, skipped, refused, self.from_zero,
        )  # fmt: skip
        if self.offset and reading != self.begun:
            journal.note_reading(reading, self.begun)
            self.begun = reading


def _numbers(taken: LineCounts) -> tuple[int, ...]:
    return taken.lines, taken.accepted + taken.duplicates, taken.conflicts, taken.skipped, taken.refused


def log_position(journal: Journal, source: str | Path, reader: str, share: float) -> LogPosition | None:
    """Return where to go on reading a log; None where there is no place: a pipe, a table, a compressed log.

    share -- of bad lines that is allowed: a log of which too many were bad is read whole, so that it is refused
    """
    path = Path(source)
    if str(source) == "-" or not path.is_file() or is_compressed(path) or is_table(source):
        return None
    known = [one for one in journal.readings(reader) if one.refused <= share * one.lines]
    place = LogPosition(reader)
    with path.open("rb") as file:
        state = blake2b()
        for reading in sorted(known, key=lambda one: one.offset):
            if not _hashed(file, state, reading.offset):
                break
            if state.hexdigest() == reading.digest:
                place = LogPosition(
                    reader,
                    reading.format,
                    reading,
                    reading.offset,
                    reading.number,
                    state.copy(),
                    state.copy(),
                    reading.offset,
                    from_zero=reading.from_zero,
                )
    return place


def _hashed(file: BinaryIO, state: blake2b, until: int) -> bool:
    """Hash a file up to an offset; False where it ends before."""
    while (left := until - file.tell()) > 0:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            return False
        state.update(chunk)
    return True
