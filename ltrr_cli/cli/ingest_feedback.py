"""``ltrr ingest-feedback``: what people did, taken in exactly once, and learnt from."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.event_types import told_known, told_unknown
from ltrr_cli.cli.render import counted
from ltrr_cli.core.clock import SECOND, parse_span
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from ltrr_cli.learning.records import IngestReport

FORMATS = ("auto", "native", "ubi", "metarank", "counts")
NAMED = 3  # of those who were unusually busy


def ingest_feedback(
    ctx: CommandContext,
    logs: Annotated[
        list[str], typer.Argument(metavar="LOG...", help="JSONL (.gz, .zst), CSV, SQLite, Parquet; - is input.")
    ],
    format_: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="Format of the logs.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count, but change nothing.")] = False,
    undated: Annotated[
        bool, typer.Option("--undated", help="Accept events without a time: file order, no decay.")
    ] = False,
    max_bad: Annotated[
        str | None, typer.Option("--max-bad", metavar="SHARE", help="Bad lines allowed, for example 0.1%.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Continue while the logs grow; Ctrl-C ends it with exit code 0.")
    ] = False,
    every: Annotated[str, typer.Option("--every", metavar="SPAN", help="How often to learn while following.")] = "60s",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Key names in the logs: timestamp=ts (repeatable)."),
    ] = None,
    engine: options.Engine = None,
) -> None:
    """Read feedback logs and learn from them: clicks, plays, likes, purchases, skips, or whole search logs.

    The same event twice changes nothing, and of a log that has grown only what is new is read. What was learnt is
    published as a new learned generation.
    """
    check_format(format_)
    most, seconds = options.share(max_bad, "--max-bad"), parse_span(options.span(every, "--every")) / SECOND
    names = options.pairs(mapping or (), "--map", "timestamp=ts")
    if follow:
        _check_follow(dry_run, engine)
    with ctx.progress() as progress:
        if follow:
            with _until_interrupted() as stop:
                report = ctx.workspace().follow(
                    logs,
                    stop,
                    format=format_,
                    undated=undated,
                    max_bad=most,
                    every=seconds,
                    mapping=names,
                    progress=progress,
                )
        else:
            report = ctx.workspace().ingest(
                logs,
                format=format_,
                dry_run=dry_run,
                undated=undated,
                max_bad=most,
                mapping=names,
                engine=engine,
                progress=progress,
            )
    for log, found in report.formats.items():
        if format_ == "auto" and (found != "native" or ctx.verbose):
            ctx.say(f"{log}: read as {found}, judging by its first lines")
    ctx.answer(report, lambda screen: screen.print(summary(report, dry_run=dry_run), soft_wrap=True))
    if report.quarantined:
        where = f" in {report.quarantine_file}" if report.quarantine_file else ""
        ctx.warn(f"set aside{where}: {counted(report.quarantined, 'bad line')}")
    if report.replaced:
        rows = "row of counts was" if report.replaced == 1 else "rows of counts were"
        ctx.warn(
            f"{report.replaced:,} {rows} known with other numbers, and replaced",
            "rows of one day that are to add up need a column channel each: --map channel='\"app\"'",
        )
    for line in report.notes:
        ctx.say(line)
    for line in told_known(report.types):
        ctx.say(line)
    unknown = told_unknown(report.types, ctx.folder())
    if unknown:
        ctx.warn(*unknown)
    for one in report.suspects[:NAMED]:
        ctx.warn(f"unusually busy: {one.kind} {one.name!r}, {one.actions:,} actions on {one.day} count {one.counted:g}")
    if len(report.suspects) > NAMED:
        ctx.warn(f"unusually busy: {len(report.suspects) - NAMED:,} more (--json names all)")


def _check_follow(dry_run: bool, engine: str | None) -> None:
    if dry_run:
        raise UsageError("--follow takes in what --dry-run would not", hint="leave one of them out")
    if engine is not None:
        raise UsageError("--engine goes without --follow", hint="what comes bit by bit is learnt here")


@contextmanager
def _until_interrupted() -> Iterator[Event]:
    """Yield what the first Ctrl-C (or a SIGTERM) sets; the second one interrupts as it does elsewhere."""
    stop = Event()
    before: dict[int, Any] = {}

    def end(number: int, _: object) -> None:
        signal.signal(number, before[number])
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, end)
    try:
        yield stop
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


def check_format(name: str) -> None:
    """Raise UsageError for a format that nobody knows."""
    if name not in FORMATS:
        from ltrr_cli.feedback.format_registry import FORMATS as registered

        if name not in registered.names():
            known = ", ".join(dict.fromkeys((*FORMATS, *registered.names())))
            raise UsageError(f"--format {name[:40]!r} is unknown", hint=f"one of {known}")


def summary(report: IngestReport, *, dry_run: bool = False) -> str:
    """Say in one line what was taken in and what it taught."""
    asides = [
        f"{count:,} {what}"
        for count, what in (
            (report.duplicates, "known already"),
            (report.conflicts, "in conflict"),
            (report.replaced, "replaced"),
            (report.orphans, "without their search"),
            (report.late, "late"),
            (report.skipped, "not feedback"),
        )
        if count
    ]
    tail = f" ({', '.join(asides)})" if asides else ""
    what = counted(report.accepted - report.counted, "event")
    if report.counted or report.replaced:
        rows = counted(report.counted, "row") + " of counts"
        what = f"{what} and {rows}" if report.accepted > report.counted else rows
    if dry_run:
        return f"{what} would be accepted{tail}; nothing was changed"
    learned = "nothing new to learn" if report.learned is None else f"learned generation {report.learned}"
    return f"{what} accepted{tail}, {counted(report.outcomes, 'outcome')}; {learned}"
