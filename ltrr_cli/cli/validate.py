"""``ltrr validate``: what would be taken in without complaint and still teach nonsense."""

from __future__ import annotations

from typing import Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.ingest_feedback import FORMATS, check_format
from ltrr_cli.cli.render import table
from ltrr_cli.core.errors import DataError


def validate(
    ctx: CommandContext,
    logs: Annotated[
        list[str], typer.Argument(metavar="LOG...", help="JSONL (.gz, .zst), CSV, SQLite, Parquet; - is input.")
    ],
    format_: Annotated[str, typer.Option("--format", metavar="|".join(FORMATS), help="Format of the logs.")] = "auto",
    undated: Annotated[bool, typer.Option("--undated", help="Accept events without a time.")] = False,
    catalog: Annotated[
        bool, typer.Option("--catalog", help="These are catalogs: say what `ltrr index` would.")
    ] = False,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Other names of fields, as for index and ingest-feedback."),
    ] = None,
) -> None:
    """Check feedback logs, or catalogs, by name and change nothing; exit 3 where something is an error.

    An error is what `ltrr ingest-feedback` or `ltrr index` would refuse. With an indexed catalog in the workspace,
    entities that it does not have are found too.
    """
    check_format(format_)
    names = options.pairs(mapping or (), "--map", "title=name")
    if catalog:
        report = ctx.workspace().validate_catalog(logs, mapping=names)
    else:
        report = ctx.workspace().validate(logs, format=format_, undated=undated, mapping=names)
    rows = [
        (one.severity, one.check, f"{one.count:,}", one.examples[0] if one.examples else "", one.source)
        for one in report.findings
    ]
    what = "these catalogs" if catalog else "these logs"
    if rows:
        source = "catalog" if catalog else "log"
        ctx.answer(report, lambda screen: screen.print(table(("severity", "check", "count", "first", source), rows)))
    else:
        ctx.answer(report, lambda screen: screen.print(f"ok: nothing to say about {what}"))
    if not report.ok:
        raise typer.Exit(DataError.exit_code)
