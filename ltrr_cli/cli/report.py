"""``ltrr report``: how the workspace learnt, as one file for a browser, or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, facts

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.charts.sections import Dashboard


def report(
    ctx: CommandContext,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The HTML file.  [default: report.html; none with --json]"),
    ] = None,
    searches: Annotated[
        int, typer.Option("--searches", metavar="N", help="Past searches to answer again, spread evenly over time.")
    ] = 600,
    users: Annotated[bool, typer.Option("--users", help="Name the most active users by their ids.")] = False,
) -> None:
    """Report what was learnt from the journal, as one self-contained HTML file.

    Learning curve, regret, shares and worth of strategies, memory, calibration, wins and losses, feature importances,
    data health. It leads with a summary; the numbers are folded under every picture. Nothing is loaded from anywhere,
    and no user is named unless `--users` asks for it.
    """
    options.at_least_zero(searches - 1, "--searches (less one)")
    if out is None and not ctx.json:
        out = Path("report.html")
    from ltrr_cli.charts.html import render_html
    from ltrr_cli.storage.disk import write_atomic

    with ctx.progress() as progress:
        found = ctx.workspace().report(searches=searches, users=users, progress=progress)
    if out is not None:
        write_atomic(out, render_html(found).encode("utf-8", "backslashreplace"))
    ctx.answer(found, lambda screen: render(screen, found, out))


def render(screen: Console, found: Dashboard, out: Path | None) -> None:
    """Say in short what the file shows at length."""
    told = [(one.title, " ".join([chart.says for chart in one.charts] or one.words)) for one in found.sections]
    screen.print(facts([*found.facts, *told]))
    screen.print(f"\n{counted(len(found.sections), 'section')} in {out}", soft_wrap=True)
