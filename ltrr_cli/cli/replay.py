"""``ltrr replay``: a real search log answered, scored and learnt from, in that order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, figure, table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.evaluation.replay import ReplayReport


def replay(
    ctx: CommandContext,
    events: Annotated[list[str], typer.Argument(metavar="EVENTS...", help="Search logs: JSONL, also .gz and .zst.")],
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Score searches from this time on; all are learnt from."),
    ] = None,
    no_explore: Annotated[
        bool, typer.Option("--no-explore", help="Use the best allocation, without exploration.")
    ] = False,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="OUT", help="Also write the answers as a TREC run.")
    ] = None,
    learn_every: Annotated[
        str, typer.Option("--learn-every", metavar="SPAN", help="How often the bandit learns: 90s, 1h, 7d.")
    ] = "1h",
    train_every: Annotated[
        int,
        typer.Option(
            "--train-every", metavar="N", help="Searches between trainings of the ranker (fewer at first); 0 is never."
        ),
    ] = 5000,
    undated: Annotated[bool, typer.Option("--undated", help="Take searches without a time, in file order.")] = False,
    engine: options.Engine = None,
) -> None:
    """Replay a search log: answer each search, score it by what was clicked, only then learn from it.

    It works on a scratch copy: the workspace stays as it is.
    """
    moment = options.moment(since, "--from")
    learnt = options.span(learn_every, "--learn-every")
    trained = options.at_least_zero(train_every, "--train-every")
    with ctx.progress() as progress:
        report = ctx.workspace().replay(
            events,
            since=moment,
            explore=not no_explore,
            run=run,
            learn_every=learnt,
            train_every=trained,
            undated=undated,
            engine=engine,
            progress=progress,
        )
    if engine not in (None, "local"):
        ctx.say(f"one stream ran here, {engine} had nothing to do: each answer learns from the one before")
    ctx.answer(report, lambda screen: render(screen, report))


def render(screen: Console, report: ReplayReport) -> None:
    """Draw how the measures went over the log, and their means."""
    names = list(report.measures)
    first = names[0]
    here = [stretch.get(first) for stretch in report.stretches] or [None] * len(report.curve)
    rows = [
        (f"{int(point['searches']):,}", *(figure(point.get(name)) for name in names), figure(stretch))
        for point, stretch in zip(report.curve, here, strict=True)
    ]
    rows.append(("all", *(figure(report.measures[name]) for name in names), ""))
    columns = ("searches", *names, f"{first} here")
    screen.print(table(columns, rows, numbers=columns))
    done = [counted(report.searches, "search", "searches"), counted(report.clicks, "click")]
    done += [counted(report.trained, "training")] if report.trained else []
    screen.print(f"\n{', '.join(done)} in {report.seconds:.1f} s")
