"""Feedback logs -> journal, exactly once; then the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, count, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from ltrr_cli.core.clock import DAY, iso
from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.engine.executor import open_executor
from ltrr_cli.feedback.format_registry import LOOKED_AT, format_of, reader
from ltrr_cli.feedback.guards import Suspect
from ltrr_cli.feedback.log_source import is_table, read_log
from ltrr_cli.feedback.position_base import from_one, holds_zero
from ltrr_cli.feedback.quarantine import Quarantine
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.feedback.taken import Taken, check, time_told
from ltrr_cli.feedback.type_counts import type_counts
from ltrr_cli.learning.log_position import LogPosition, log_position, reader_of
from ltrr_cli.learning.positions import Positions
from ltrr_cli.learning.publish import learn
from ltrr_cli.learning.records import Busy, IngestReport
from ltrr_cli.storage.journal import Journal
from ltrr_cli.text.lines import BadLine, is_compressed

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

BATCH = 5_000  # lines that are held at once
BATCH_BYTES = 4 * 1024 * 1024  # or fewer, where they are long

Aside = Callable[[str, BadLine], None]


def busy(suspect: Suspect) -> Busy:
    """Return what a report says of somebody who was unusually busy."""
    day = iso(suspect.day * DAY)[:10]
    return Busy(suspect.kind, suspect.name, day, suspect.actions, round(suspect.counted, 3))


def ingest(
    state: State,
    sources: Sequence[str | Path],
    format: str,  # noqa: A002 -- the word users know from the command line
    dry_run: bool,
    undated: bool,
    max_bad: float | None,
    progress: Progress,
    mapping: Mapping[str, str] | None = None,
    engine: str | None = None,
) -> IngestReport:
    """Journal logs and publish what they teach; see ``Workspace.ingest``.

    Lines are journalled as they are read, in one transaction: a log with too many bad lines, or a damaged one, is
    taken back whole, and a batch of lines is all that is ever held in memory. What was read of a log before is not read
    again; its events count as known.
    """
    if not sources:
        raise UsageError("no log to ingest", hint="ltrr ingest-feedback LOG...")
    start = perf_counter()
    state.current()
    share = state.settings.feedback.max_bad if max_bad is None else max_bad
    names = {**state.settings.feedback.map, **(mapping or {})}
    journal, taken, learnt = state.journal, Taken(), None
    where = engine or state.settings.engine
    with open_executor(where, beside=True) as executor, state.publishing("ingest-feedback"):
        with journal.whole(keep=not dry_run), Quarantine(state.home / "quarantine" / "feedback.jsonl") as kept:
            aside = _ignored if dry_run else into(kept)
            for source in sources:
                place = log_position(journal, source, reader_of(format, undated, names), share)
                take_source(journal, source, format, undated, taken, aside, progress, place, names)
            check(taken, share, kept.path if kept.count else None)
            types = type_counts(taken.kinds, state.settings.feedback, journal.kinds)
        journalled = perf_counter() - start
        if not dry_run:
            learnt = learn(state, progress, executor=executor)
    return IngestReport(
        accepted=taken.accepted,
        duplicates=taken.duplicates,
        conflicts=taken.conflicts,
        orphans=learnt.tally.orphans if learnt else 0,
        late=learnt.tally.late if learnt else 0,
        quarantined=taken.refused,
        outcomes=learnt.tally.outcomes if learnt else 0,
        learned=learnt.number if learnt else None,
        quarantine_file=str(kept.path) if kept.count else None,
        seconds=round(perf_counter() - start, 3),
        skipped=taken.skipped,
        journal_seconds=round(journalled, 3),
        formats=taken.formats,
        suspects=tuple(busy(one) for one in learnt.suspects) if learnt else (),
        types=types,
        counted=taken.counted,
        replaced=taken.replaced,
        notes=taken.sayings(),
    )


def take_source(
    journal: Journal,
    source: str | Path,
    format: str,  # noqa: A002
    undated: bool,
    taken: Taken,
    aside: Aside,
    progress: Progress,
    place: LogPosition | None,
    mapping: Mapping[str, str] | None = None,
) -> None:
    """Journal one log from its place on, inside the caller's transaction, and remember how far it was read."""
    if place is not None:
        place.begin(taken)
    take_lines(journal, str(source), source, format, undated, taken, aside, progress, place, mapping)


def take_lines(
    journal: Journal,
    name: str,
    source: str | Path | BinaryIO,
    format: str,  # noqa: A002
    undated: bool,
    taken: Taken,
    aside: Aside,
    progress: Progress,
    place: LogPosition | None,
    mapping: Mapping[str, str] | None = None,
) -> None:
    """Journal what there is of a log, under its name, from a place on that has begun."""
    at = place or LogPosition("")
    positions = Positions(journal, name, at, taken)
    for batch in _read(source, format, undated, taken, aside, progress, at, name, mapping):
        _journal(journal, positions.settled(batch), taken, name)
    if place is not None:
        place.note(journal, taken)


def take_in(
    journal: Journal, sources: Sequence[str | Path], settings: Settings, *, undated: bool, progress: Progress
) -> Taken:
    """Journal logs elsewhere than in a workspace; raises DataError where too many lines are bad."""
    taken, places, rewards = Taken(), count(), Rewards(settings.feedback)
    with journal.whole():
        for source in sources:
            at, name = LogPosition(""), str(source)
            positions = Positions(journal, name, at, taken)
            for batch in _read(source, "auto", undated, taken, _ignored, progress, at, name, settings.feedback.map):
                _journal(journal, positions.settled(batch), taken, name)
                for parsed, place in zip(batch, places, strict=False):
                    worth = [event for event in parsed.events if rewards.of(event) > 0]
                    for i in parsed.impressions:
                        acted = tuple(event.entity_id for event in worth if event.impression_id == i.impression_id)
                        taken.searches.append((i.time_ms, place, i.impression_id, acted))
        check(taken, settings.feedback.max_bad, None)
    return taken


def record(state: State, event: Mapping[str, Any]) -> Taken:
    """Journal one native record and say whether it was new; raises DataError."""
    state.current()
    parsed = reader("native")(msgspec.json.encode(event))
    if holds_zero([parsed]):
        raise DataError("position is not a whole number from 1")
    (parsed,) = from_one([parsed], shift=False)
    taken = Taken()
    _journal(state.journal, [parsed], taken)
    return taken


def _read(
    source: str | Path | BinaryIO,
    format: str,  # noqa: A002
    undated: bool,
    taken: Taken,
    aside: Aside,
    progress: Progress,
    place: LogPosition,
    name: str,
    mapping: Mapping[str, str] | None,
) -> Iterator[list[Parsed]]:
    """Yield what the lines hold, batch by batch; count in ``taken`` and put ``aside`` what cannot be used.

    Raises DataError where a source is damaged: its checksum comes last, so nothing read before it can be trusted.
    """
    lines = read_log(source, mapping, offset=place.offset, number=place.number, tap=place.tap)
    place.grows = not is_table(source)
    first = list(islice(lines, LOOKED_AT))
    if place.whole_only:
        first = [line for line in first if not place.unfinished(line)]
        if not first:
            return  # nothing yet that could tell the format
    place.format = place.format or format_of(first, format, name)
    taken.formats[name] = place.format
    read = reader(place.format, undated)
    begun, start = taken.lines, place.begun.offset if place.begun else 0
    batch: list[Parsed] = []
    held = 0
    for line in chain(first, lines):
        if place.unfinished(line):  # next time it is read again, perhaps longer
            yield batch
            batch, held = [], 0
            place.mark(taken)
            if place.whole_only:
                return
        taken.lines += 1
        if isinstance(line, BadLine):
            _refuse(name, line, taken, aside)
            continue
        try:
            parsed = read(line.data)
        except DataError as error:
            _refuse(name, BadLine(line.number, line.offset, str(error), line.data), taken, aside)
            continue
        taken.skipped += bool(parsed.skipped)
        if parsed.time is not None:
            taken.say(name, "times", time_told(*parsed.time))
        batch.append(parsed)
        held += len(line.data)
        if len(batch) == BATCH or held > BATCH_BYTES:
            yield batch
            batch, held = [], 0
            progress("read", taken.lines, _expected(source, taken.lines - begun, line.offset - start, taken.lines))
    yield batch


def _expected(source: str | Path | BinaryIO, lines: int, read: int, done: int) -> int | None:
    """Guess how many lines there will be in all, from how long those were that were read; None where nothing tells."""
    if not isinstance(source, str | Path) or str(source) == "-" or not Path(source).is_file() or not read:
        return None
    if is_compressed(Path(source)):
        return None
    return max(done, done + round(lines * (Path(source).stat().st_size / read)) - lines)


def _refuse(source: str, line: BadLine, taken: Taken, aside: Aside) -> None:
    if line.of_source:
        raise DataError(
            f"{source}: {line.reason}, after line {line.number - 1}; nothing was taken in",
            hint="get the file again; what is readable of it can be decompressed and piped in (-)",
        )
    taken.refused += 1
    taken.first = taken.first or (source, line)
    aside(source, line)


def _journal(journal: Journal, batch: Sequence[Parsed], taken: Taken, source: str | None = None) -> None:
    impressions: list[Impression] = [impression for parsed in batch for impression in parsed.impressions]
    events: list[Event] = [event for parsed in batch for event in parsed.events]
    people = [user for parsed in batch for user in parsed.users]
    taken.kinds.update(event.kind for event in events)
    users = [(user.user, msgspec.json.encode(user.attributes).decode(), user.time_ms) for user in people]
    done = journal.ingest(impressions, events, users, source)
    taken.accepted += done.accepted
    taken.duplicates += done.duplicates
    taken.conflicts += done.conflicts
    rows = [row for parsed in batch for row in parsed.counts]
    if rows:
        for row in rows:
            taken.kinds[row.kind] += row.actions
        known = journal.ingest_counts(rows, source)
        taken.accepted += known.accepted
        taken.counted += known.accepted
        taken.duplicates += known.duplicates
        taken.replaced += known.replaced


def into(quarantine: Quarantine) -> Aside:
    """Return what puts bad lines into a quarantine."""
    return lambda source, line: quarantine.add(source, line.number, line.offset, line.reason, line.data)


def _ignored(source: str, line: BadLine) -> None:
    """Put aside nothing: a dry run changes nothing."""
