"""``ltrr report``: how the workspace learnt, as one file for a browser, or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import given
from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import counted, facts

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.evaluation.sections import Dashboard


def report(
    desk: Desk,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The HTML file.  [default: report.html; none with --json]"),
    ] = None,
    searches: Annotated[
        int, typer.Option("--searches", metavar="N", help="Past searches to answer again, spread evenly over time.")
    ] = 600,
) -> None:
    """Look back over the journal and draw what was learnt: one self-contained HTML file.

    Learning curve, regret, shares and worth of strategies, memory, calibration, wins and losses, feature importances,
    data health. The numbers stand under every picture. Nothing is loaded from anywhere.
    """
    given.at_least_zero(searches - 1, "--searches (less one)")
    if out is None and not desk.json:
        out = Path("report.html")
    from ltrr_cli.evaluation.dashboard import dashboard
    from ltrr_cli.evaluation.page import render
    from ltrr_cli.storage.disk import write_atomic

    with desk.progress() as progress:
        found = dashboard(desk.workspace(), searches, progress)
    if out is not None:
        write_atomic(out, render(found).encode("utf-8", "backslashreplace"))
    desk.answer(found, lambda screen: paint(screen, found, out))


def paint(screen: Console, found: Dashboard, out: Path | None) -> None:
    """Say in short what the file shows at length."""
    told = [(one.title, " ".join([chart.says for chart in one.charts] or one.words)) for one in found.sections]
    screen.print(facts([*found.facts, *told]))
    screen.print(f"\n{counted(len(found.sections), 'section')} in {out}", soft_wrap=True)
