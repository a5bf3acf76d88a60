"""``ltrr train-ranker``: a ranker from the journal, which serves only if it is better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, measures
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.learning.publish import TrainReport

ALGORITHMS = ("auto", "pointwise", "linear", "lambdamart", "lightgbm", "blend")

SHOWN = 5


def train_ranker(
    ctx: CommandContext,
    algorithm: Annotated[
        str | None,
        typer.Option(
            "--algorithm",
            metavar="|".join(ALGORITHMS),
            help="auto: the best on held-out searches.  [default: ranking.algorithm]",
        ),
    ] = None,
    judgments: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            "--judgments", metavar="QUERIES QRELS", help="Learn from relevance judgments instead of the journal."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Train and measure, but publish nothing.")] = False,
    engine: options.Engine = None,
) -> None:
    """Train a ranker on the newest searches; it serves only if it beats the serving one on searches it has not seen."""
    if algorithm is not None and algorithm not in ALGORITHMS:
        from ltrr_cli.ranking.ranker_registry import RANKERS

        if algorithm not in RANKERS.others():
            known = ", ".join((*ALGORITHMS, *RANKERS.others()))
            raise UsageError(f"--algorithm {algorithm[:40]!r} is unknown", hint=f"one of {known}")
    with ctx.progress() as progress:
        report = ctx.workspace().train(
            algorithm=algorithm, judgments=judgments, dry_run=dry_run, engine=engine, progress=progress
        )
    ctx.answer(report, lambda screen: render(screen, report, dry_run=dry_run))


def render(screen: Console, report: TrainReport, *, dry_run: bool = False) -> None:
    """Draw the held-out measures of every contender and the verdict."""
    if report.measures:
        screen.print(measures(report.measures, "held-out searches"))
        screen.print()
    if report.importances:
        heaviest = ", ".join(f"{name} {lost:.4f}" for name, lost in list(report.importances.items())[:SHOWN])
        screen.print(f"most important features (nDCG@10 lost when shuffled): {heaviest}", soft_wrap=True)
    screen.print(verdict(report, dry_run=dry_run), soft_wrap=True)


def verdict(report: TrainReport, *, dry_run: bool = False) -> str:
    """Say in one line what came of the training."""
    kept = "nothing was changed" if dry_run else "not promoted"
    outcome = f"{report.model} serves now" if report.promoted else kept
    why = f": {report.reason}" if report.reason else ""
    searches = counted(report.searches, "search", "searches")
    return f"{report.algorithm} on {searches} in {report.seconds:.1f} s; {outcome}{why}"
