"""``ltrr train-ranker``: a ranker from the journal, which serves only if it is better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import measures

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.engine.reports import TrainReport


def train_ranker(
    desk: Desk,
    algorithm: Annotated[
        str | None,
        typer.Option(
            "--algorithm",
            metavar="auto|lambdamart|pointwise|linear|lightgbm",
            help="auto takes the best on held-out searches.  [default: ranking.algorithm]",
        ),
    ] = None,
    judgments: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--judgments", metavar="QUERIES QRELS", help="Learn from judged queries instead of the journal."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Train and measure, publish nothing.")] = False,
) -> None:
    """Train a ranker on the newest searches; it serves only if it beats what serves on those it has not seen."""
    with desk.progress() as progress:
        report = desk.workspace().train(
            algorithm=algorithm, judgments=judgments, dry_run=dry_run, progress=progress
        )
    desk.answer(report, lambda screen: paint(screen, report))


def paint(screen: Console, report: TrainReport) -> None:
    """Draw the held-out measures of every contender and the verdict."""
    if report.measures:
        screen.print(measures(report.measures, "held-out searches"))
        screen.print()
    screen.print(verdict(report), soft_wrap=True)


def verdict(report: TrainReport) -> str:
    """Say in one line what came of the training."""
    outcome = f"{report.model} serves now" if report.promoted else "what served before serves on"
    why = f": {report.reason}" if report.reason else ""
    return f"{report.algorithm} on {report.searches:,} searches in {report.seconds:.1f} s; {outcome}{why}"
