"""``ltrr compare``: two systems on one page, and who is chosen more often."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, figure, table
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.evaluation.records import CompareReport


def compare(
    ctx: CommandContext,
    first: Annotated[str, typer.Argument(metavar="A", help="POLICY, POLICY/RANKER, or a TREC run.")],
    second: Annotated[str, typer.Argument(metavar="B", help="What it is compared with.")],
    qrels: Annotated[
        Path | None, typer.Option("--qrels", metavar="FILE", help="Simulate users who want what these judgments say.")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", metavar="FILE", help="With --qrels: {query_id, text} lines to answer.")
    ] = None,
    sessions: Annotated[int, typer.Option("--sessions", metavar="N", help="Simulated pages per query.")] = 10,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Use logged searches from this time on.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the simulation.")] = 0,
) -> None:
    """Interleave two systems on one page (team draft): the one whose results are chosen more often wins.

    Without --qrels the journal's searches are answered again as of their time by both, and what people chose then is
    credited: that favours whatever resembles the page they saw. POLICY/RANKER: serving, fusion, or a model's folder.
    """
    moment = options.moment(since, "--from")
    if sessions < 1:
        raise UsageError(f"--sessions is {sessions}", hint="at least one page a query")
    if qrels is None and queries is not None:
        raise UsageError("--queries needs --qrels", hint="without both, the journal's own searches are used")
    if qrels is not None and moment is not None:
        raise UsageError("--from does not go with --qrels", hint="judged queries have no log")
    names = (first, second)
    with ctx.progress() as progress:
        if qrels is None:
            report = ctx.workspace().compare(names, since_ms=moment, seed=seed, progress=progress)
        else:
            report = ctx.workspace().compare_judged(
                names, queries, qrels, sessions=sessions, seed=seed, progress=progress
            )
    ctx.answer(report, lambda screen: render(screen, report))


def render(screen: Console, report: CompareReport) -> None:
    """Draw who won how often."""
    rows = [
        (report.first, f"{report.wins[0]:,}", f"{report.chosen[0]:,}"),
        (report.second, f"{report.wins[1]:,}", f"{report.chosen[1]:,}"),
    ]
    screen.print(table(("system", "searches won", "picks chosen"), rows, numbers=("searches won", "picks chosen")))
    searches = counted(report.searches, "search", "searches")
    interval = f"{figure(report.low)} .. {figure(report.high)}, p {figure(report.p)}"
    screen.print(
        f"\n{searches}, {report.ties:,} tied; {report.first} is preferred in {figure(report.preference)} ({interval})",
        soft_wrap=True,
    )
