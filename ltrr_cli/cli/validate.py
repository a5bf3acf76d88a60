"""``ltrr validate``: what would be taken in without complaint and still teach nonsense."""

from __future__ import annotations

from typing import Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.ingest_feedback import FORMATS, check_format
from ltrr_cli.cli.render import table
from ltrr_cli.core.errors import DataError


def validate(
    ctx: CommandContext,
    logs: Annotated[
        list[str], typer.Argument(metavar="LOG...", help="JSONL files, also .gz and .zst; - is standard input.")
    ],
    format_: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="Format of the logs.")] = "auto",
    undated: Annotated[bool, typer.Option("--undated", help="Accept events without a time.")] = False,
) -> None:
    """Check feedback logs and change nothing; exit 3 if something is an error.

    With an indexed catalog in the workspace, entities that it does not have are found too.
    """
    check_format(format_)
    report = ctx.workspace().validate(logs, format=format_, undated=undated)
    rows = [
        (one.severity, one.check, f"{one.count:,}", one.examples[0] if one.examples else "", one.source)
        for one in report.findings
    ]
    if rows:
        ctx.answer(report, lambda screen: screen.print(table(("severity", "check", "count", "first", "log"), rows)))
    else:
        ctx.answer(report, lambda screen: screen.print("ok: nothing to say about these logs"))
    if not report.ok:
        raise typer.Exit(DataError.exit_code)
