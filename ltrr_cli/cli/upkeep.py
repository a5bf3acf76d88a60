"""``ltrr rollback``, ``rebuild``, ``gc``, ``doctor``: keeping a workspace well."""

from __future__ import annotations

from typing import Annotated

import typer

from ltrr_cli.cli import given
from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import counted, table
from ltrr_cli.core.errors import DamagedError


def rollback(
    desk: Desk,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="A learned generation.  [default: the one before]")
    ] = None,
) -> None:
    """Let an older generation serve again, with the catalog that it belongs to; the journal stays as it is."""
    report = desk.workspace().rollback(to)
    line = f"learned generation {report.learned} on catalog {report.catalog} serves (was {report.was_learned} on {report.was_catalog})"  # noqa: E501
    desk.answer(report, lambda screen: screen.print(line, soft_wrap=True))


def rebuild(desk: Desk) -> None:
    """Fold the whole journal anew; the same events give the same state, byte for byte."""
    with desk.progress() as progress:
        report = desk.workspace().rebuild(progress=progress)
    same = "the same as before" if report.same else "not what was there before"
    line = (
        f"learned generation {report.learned} from {counted(report.events, 'event')} in {report.seconds:.1f} s: {same}"
    )
    desk.answer(report, lambda screen: screen.print(line, soft_wrap=True))


def gc(
    desk: Desk,
    keep: Annotated[int, typer.Option("--keep", metavar="N", help="Older learned generations to keep.")] = 2,
) -> None:
    """Remove old generations that nobody reads, and what interrupted commands left behind."""
    report = desk.workspace().gc(keep=given.at_least_zero(keep, "--keep"))
    removed = f"{counted(len(report.removed), 'folder')} removed, {report.freed / 2**20:,.1f} MB free"
    held = f"; still read: {', '.join(report.held)}" if report.held else ""
    desk.answer(report, lambda screen: screen.print(removed + held, soft_wrap=True))


def doctor(desk: Desk) -> None:
    """Check libraries, settings, disk, generations and journal; exit 5 where something is wrong."""
    report = desk.workspace().doctor()
    rows = [("ok" if check.ok else "WRONG", check.name, check.says, "" if check.ok else check.hint)
            for check in report.checks]  # fmt: skip
    desk.answer(report, lambda screen: screen.print(table(("", "checked", "found", "mend with"), rows)))
    if not report.ok:
        raise typer.Exit(DamagedError.exit_code)
