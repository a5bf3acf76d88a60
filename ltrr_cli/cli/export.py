"""``ltrr export``: what was learnt from, in the formats of other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted
from ltrr_cli.core.errors import UsageError

FORMATS = ("libsvm", "csv", "qrels", "dsjson")


def export(
    ctx: CommandContext,
    format_: Annotated[str, typer.Argument(metavar="|".join(FORMATS), help="What to write.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Output file.  [default: standard output]")
    ] = None,
    judgments: Annotated[
        tuple[str, str] | None,
        typer.Option("--judgments", metavar="QUERIES QRELS", help="Labels from relevance judgments instead of clicks."),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", metavar="FILE", help="Also write the queries of the qrels to this file.")
    ] = None,
) -> None:
    """Write training data, judgments or decisions for other tools; a file is written whole or not at all.

    libsvm and csv: the lines that a ranker is trained on, one a candidate; columns are named. qrels: TREC judgments
    from what people chose. dsjson: positions that were drawn, with odds and costs, for Vowpal Wabbit.
    """
    if format_ not in FORMATS:
        raise UsageError(f"nothing is exported as {format_[:40]!r}", hint=f"one of {', '.join(FORMATS)}")
    if out is None and ctx.json:
        raise UsageError("--json and the export both want standard output", hint="say where with -o FILE")
    with ctx.progress() as progress:
        report = ctx.workspace().export(
            format_, out or sys.stdout.buffer, judgments=judgments, queries=queries, progress=progress
        )
    of = f" of {counted(report.searches, 'search', 'searches')}" if report.searches else ""
    line = f"{counted(report.lines, 'line')}{of}"
    if out is None:
        ctx.say(f"{line} written")
    else:
        ctx.answer(report, lambda screen: screen.print(f"{line} in {out}", soft_wrap=True))
