"""``ltrr rollback``, ``rebuild``, ``gc``, ``doctor``: keeping a workspace well."""

from __future__ import annotations

from typing import Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, table
from ltrr_cli.core.errors import DamagedError


def rollback(
    ctx: CommandContext,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="A learned generation.  [default: the one before]")
    ] = None,
) -> None:
    """Make an older generation serve again, with the catalog it belongs to; the journal stays as it is."""
    report = ctx.workspace().rollback(to)
    line = f"learned generation {report.learned} on catalog {report.catalog} serves (was {report.was_learned} on {report.was_catalog})"  # noqa: E501
    ctx.answer(report, lambda screen: screen.print(line, soft_wrap=True))


def rebuild(ctx: CommandContext, engine: options.Engine = None) -> None:
    """Relearn everything from the journal; the same events give the same state, byte for byte."""
    with ctx.progress() as progress:
        report = ctx.workspace().rebuild(engine=engine, progress=progress)
    same = "the same as before" if report.same else "not what was there before"
    line = (
        f"learned generation {report.learned} from {counted(report.events, 'event')} in {report.seconds:.1f} s: {same}"
    )
    ctx.answer(report, lambda screen: screen.print(line, soft_wrap=True))


def forget(
    ctx: CommandContext,
    user: Annotated[str | None, typer.Option("--user", metavar="U", help="All events of one user.")] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="LOG", help="All events of a log, by the name it had at ingestion."),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--between", metavar="FROM TO", help="All events from one time up to another."),
    ] = None,
) -> None:
    """Delete feedback from the journal, and relearn everything without it.

    Several conditions are met together. Daily counts name nobody: they leave by --source or by whole days --between,
    never by --user. Older generations still hold what was learnt until `ltrr gc --keep 0`.
    """
    span = None
    if between is not None:
        first, last = (options.moment(text, "--between") or 0 for text in between)
        span = (first, last)
    with ctx.progress() as progress:
        report = ctx.workspace().forget(user=user, source=source, between=span, progress=progress)
    line = f"{counted(report.events, 'event')} and {counted(report.impressions, 'impression')} forgotten"
    line += f", and {counted(report.counts, 'row')} of counts" if report.counts else ""
    line += "" if report.learned is None else f"; learned generation {report.learned} knows nothing of them"
    ctx.answer(report, lambda screen: screen.print(line, soft_wrap=True))
    if report.ranker and report.learned is not None:
        ctx.warn("the ranker may have learnt from them: ltrr train-ranker")


def gc(
    ctx: CommandContext,
    keep: Annotated[int, typer.Option("--keep", metavar="N", help="Older learned generations to keep.")] = 2,
) -> None:
    """Remove old generations that nobody reads, and leftovers of interrupted commands."""
    report = ctx.workspace().gc(keep=options.at_least_zero(keep, "--keep"))
    removed = f"{counted(len(report.removed), 'folder')} removed, {report.freed / 2**20:,.1f} MB free"
    held = f"; still read: {', '.join(report.held)}" if report.held else ""
    ctx.answer(report, lambda screen: screen.print(removed + held, soft_wrap=True))


def doctor(ctx: CommandContext, engine: options.Engine = None) -> None:
    """Check libraries, settings, disk, generations, journal, and an engine's workers; exit 5 if something is wrong."""
    report = ctx.workspace().doctor(engine)
    rows = [("ok" if check.ok else "WRONG", check.name, check.says, "" if check.ok else check.hint)
            for check in report.checks]  # fmt: skip
    ctx.answer(report, lambda screen: screen.print(table(("", "checked", "found", "mend with"), rows)))
    if not report.ok:
        raise typer.Exit(DamagedError.exit_code)
