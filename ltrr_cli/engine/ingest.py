"""Feedback logs -> journal, exactly once; then the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.engine.publish import learn
from ltrr_cli.engine.reports import IngestReport
from ltrr_cli.feedback.attribution import reward_of
from ltrr_cli.feedback.parse import parse_object
from ltrr_cli.feedback.quarantine import Quarantine
from ltrr_cli.feedback.records import Parsed
from ltrr_cli.feedback.registry import LOOKED_AT, detect, reader
from ltrr_cli.storage.journal import Journal
from ltrr_cli.text.lines import BadLine, Line, read_lines

if TYPE_CHECKING:
    from ltrr_cli.engine.workspace import Workspace

BATCH = 20_000  # lines per transaction

Progress = Callable[[str, int, int | None], None]


@dataclass(slots=True)
class Taken:
    """What became of all lines.

    searches -- (time or None, line number over all sources, impression id, entities acted on in that very line) of
                every search and impression line
    refused  -- (source, line) of what could not be used, with reasons
    """

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    searches: list[tuple[int | None, int, str, tuple[str, ...]]] = field(default_factory=list)
    refused: list[tuple[str, BadLine]] = field(default_factory=list)


def ingest(
    workspace: Workspace,
    sources: Sequence[str | Path],
    format: str,  # noqa: A002 -- the word users know from the command line
    dry_run: bool,
    undated: bool,
    max_bad: float | None,
    progress: Progress,
) -> IngestReport:
    """Journal logs and publish what they teach; see ``Workspace.ingest``.

    A log with too many bad lines is refused whole, before anything of it is journalled.
    """
    start = perf_counter()
    workspace.current()
    share = workspace.settings.feedback.max_bad if max_bad is None else max_bad
    with workspace.publishing("ingest-feedback"):
        checked = _read(sources, format, undated, progress)
        quarantine = None if dry_run else _set_aside(workspace.home, checked.refused)
        if checked.refused and len(checked.refused) > share * checked.lines:
            source, first = checked.refused[0]
            raise DataError(
                f"{len(checked.refused)} of {checked.lines} lines are bad (allowed: {share:.2%}); first: {source}, "
                f"line {first.number}: {first.reason}; nothing was taken in",
                hint=f"see {quarantine}, mend the lines or raise --max-bad" if quarantine else "raise --max-bad",
            )
        taken = Taken(checked.lines, refused=checked.refused)
        number = None
        tally = None
        if not dry_run:
            for parsed in _batches(checked.parsed):
                _journal(workspace.journal, parsed, taken)
            learnt = learn(workspace, progress)
            number, tally = learnt.number, learnt.tally
    return IngestReport(
        accepted=taken.accepted if not dry_run else sum(len(p.events) for p in checked.parsed),
        duplicates=taken.duplicates,
        conflicts=taken.conflicts,
        orphans=tally.orphans if tally else 0,
        late=tally.late if tally else 0,
        quarantined=len(checked.refused),
        outcomes=tally.outcomes if tally else 0,
        learned=number,
        quarantine_file=str(quarantine) if quarantine else None,
        seconds=round(perf_counter() - start, 3),
    )


def take_in(
    journal: Journal, sources: Sequence[str | Path], settings: Settings, *, undated: bool, progress: Progress
) -> Taken:
    """Journal logs elsewhere than in a workspace; raises DataError where too many lines are bad."""
    checked = _read(sources, "auto", undated, progress)
    if len(checked.refused) > settings.feedback.max_bad * checked.lines:
        source, first = checked.refused[0]
        raise DataError(f"{len(checked.refused)} bad lines; first: {source}, line {first.number}: {first.reason}")
    taken = Taken(checked.lines, refused=checked.refused)
    for place, parsed in enumerate(checked.parsed):
        worth = [event for event in parsed.events if reward_of(event, settings.feedback) > 0]
        for i in parsed.impressions:
            acted = tuple(event.entity_id for event in worth if event.impression_id == i.impression_id)
            taken.searches.append((i.time_ms, place, i.impression_id, acted))
    for batch in _batches(checked.parsed):
        _journal(journal, batch, taken)
    return taken


def record(workspace: Workspace, event: Mapping[str, Any]) -> None:
    """Journal one native record; raises DataError."""
    workspace.current()
    parsed = reader("native")(msgspec.json.encode(event))
    _journal(workspace.journal, [parsed], Taken())


@dataclass(slots=True)
class _Checked:
    lines: int = 0
    parsed: list[Parsed] = field(default_factory=list)
    refused: list[tuple[str, BadLine]] = field(default_factory=list)


def _read(sources: Sequence[str | Path], format: str, undated: bool, progress: Progress) -> _Checked:  # noqa: A002
    if not sources:
        raise UsageError("no log to ingest", hint="ltrr ingest-feedback LOG...")
    checked = _Checked()
    for source in sources:
        lines = read_lines(source)
        first = list(islice(lines, LOOKED_AT))
        read = reader(_format(first, format, str(source)), undated)
        for line in chain(first, lines):
            checked.lines += 1
            if isinstance(line, BadLine):
                checked.refused.append((str(source), line))
                continue
            try:
                checked.parsed.append(read(line.data))
            except DataError as error:
                checked.refused.append((str(source), BadLine(line.number, line.offset, str(error), line.data)))
            if checked.lines % BATCH == 0:
                progress("read", checked.lines, None)
    return checked


def _format(first: Sequence[Line | BadLine], format: str, source: str) -> str:  # noqa: A002
    if format != "auto" or not first:
        return "native" if format == "auto" else format
    readable = [line.data for line in first if isinstance(line, Line)]
    try:
        return detect(readable)
    except DataError as error:
        if not any(_is_object(data) for data in readable):
            return "native"  # nothing but bad lines: let each say why
        raise DataError(f"{source}: {error}", hint=error.hint) from None


def _is_object(data: bytes) -> bool:
    try:
        return bool(parse_object(data))
    except DataError:
        return False


def _batches(parsed: Sequence[Parsed]) -> Iterator[Sequence[Parsed]]:
    return (parsed[start : start + BATCH] for start in range(0, len(parsed), BATCH))


def _journal(journal: Journal, batch: Sequence[Parsed], taken: Taken) -> None:
    impressions: list[Impression] = [impression for parsed in batch for impression in parsed.impressions]
    events: list[Event] = [event for parsed in batch for event in parsed.events]
    people = [user for parsed in batch for user in parsed.users]
    users = [(user.user, msgspec.json.encode(user.attributes).decode(), user.time_ms) for user in people]
    done = journal.ingest(impressions, events, users)
    taken.accepted += done.accepted
    taken.duplicates += done.duplicates
    taken.conflicts += done.conflicts


def _set_aside(home: Path, refused: Sequence[tuple[str, BadLine]]) -> Path | None:
    if not refused:
        return None
    with Quarantine(home / "quarantine" / "feedback.jsonl") as quarantine:
        for source, line in refused:
            quarantine.add(source, line.number, line.offset, line.reason, line.data)
        return quarantine.path
