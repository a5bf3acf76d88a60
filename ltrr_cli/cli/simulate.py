"""``ltrr simulate``: policies side by side over simulated users."""

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

    from ltrr_cli.evaluation.arrivals import ArrivalsReport
    from ltrr_cli.evaluation.simulate import SimulateReport


def simulate(
    ctx: CommandContext,
    policies: Annotated[
        str | None,
        typer.Option("--policies", metavar="P,P", help="Also vw(menu=10,explore=squarecb).  [default: hazard,uniform]"),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option("--queries", metavar="FILE", help="{query_id, text, user_id?, kind?} lines; needs --qrels."),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option("--qrels", metavar="FILE", help="What is wanted, by grade.  [default: known items]"),
    ] = None,
    searches: Annotated[int, typer.Option("--searches", metavar="N", help="Searches per seed.")] = 5_000,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", help="Number of random streams of searches.")] = 3,
    budget: Annotated[
        int | None, typer.Option("--budget", metavar="N", help="Distinct candidates.  [default: retrieval.budget]")
    ] = None,
    learn_every: Annotated[
        int, typer.Option("--learn-every", metavar="N", help="Searches between two updates of a policy.")
    ] = 1,
    break_strategy: Annotated[
        str | None,
        typer.Option("--break", metavar="S", help="Make a strategy fail from the middle on."),
    ] = None,
    ceiling: Annotated[bool, typer.Option("--ceiling", help="Also train on full labels, as an upper bound.")] = False,
    dice: Annotated[
        int, typer.Option("--dice", metavar="N", help="Sets of random numbers for each policy and stream.")
    ] = 1,
    newcomers: Annotated[
        str | None,
        typer.Option("--arrivals", metavar="SHARE", help="Add 5% of the catalog later: does exploring pay?"),
    ] = None,
    known: Annotated[
        str,
        typer.Option("--known", metavar="HOW", help="With --arrivals: whole, title, nothing or wrong."),
    ] = "whole",
    picture: Annotated[Path | None, typer.Option("-o", metavar="OUT.svg", help="Draw the curves.")] = None,
    engine: options.Engine = None,
) -> None:
    """Compare allocation policies over simulated users, beside rank fusion and the best fixed allocation in hindsight.

    A user wants one entity and clicks it if they look at its position. The workspace stays as it is.
    """
    if queries is not None and qrels is None:
        raise UsageError("--queries needs --qrels", hint="judgments say what is wanted")
    if newcomers is not None:
        if policies or break_strategy or ceiling or learn_every != 1 or dice != 1:
            raise UsageError(
                "--arrivals goes without --policies, --break, --ceiling, --dice and --learn-every",
                hint="it compares the serving policy with and without the strategies that explore",
            )
        _arrivals(ctx, queries, qrels, newcomers, searches, seeds, budget, known, picture)
        return
    if known != "whole":
        raise UsageError("--known needs --arrivals", hint="it says what the catalog knows of newcomers")
    every = max(options.at_least_zero(learn_every, "--learn-every"), 1)
    from ltrr_cli.charts.svg import write_picture

    with ctx.progress() as progress:
        report = ctx.workspace().simulate(
            options.listed(policies) or None,
            queries=queries,
            qrels=qrels,
            searches=searches,
            seeds=seeds,
            budget=budget,
            learn_every=every,
            break_strategy=break_strategy,
            ceiling=ceiling,
            dice=dice,
            engine=engine,
            progress=progress,
        )
    if picture is not None:
        write_picture(picture, report)
    ctx.answer(report, lambda screen: render(screen, report))


def _arrivals(
    ctx: CommandContext,
    queries: Path | None,
    qrels: Path | None,
    newcomers: str,
    searches: int,
    seeds: int,
    budget: int | None,
    known: str,
    picture: Path | None,
) -> None:
    share = options.share(newcomers, "--arrivals") or 0.0
    from ltrr_cli.charts.svg import write_picture

    with ctx.progress() as progress:
        report = ctx.workspace().simulate_arrivals(
            queries=queries,
            qrels=qrels,
            share=share,
            searches=searches,
            seeds=seeds,
            budget=budget,
            known=known,
            progress=progress,
        )
    if picture is not None:
        write_picture(picture, report)
    ctx.answer(report, lambda screen: paint_arrivals(screen, report))


def paint_arrivals(screen: Console, report: ArrivalsReport) -> None:
    """Draw both curves, and what exploring brought and cost."""
    numbers = tuple(f"{name}, {what}" for name in report.systems for what in ("recall", "clicks"))
    rows = [
        (f"{points[0][0]:,}", *(figure(value) for _, recall, clicks in points for value in (recall, clicks)))
        for points in zip(*(of.curve for of in report.systems.values()), strict=True)
    ]
    screen.print(table(("searches since", *numbers), rows, numbers=("searches since", *numbers)))
    arrived = f"{counted(report.arrived, 'entity', 'entities')} arrived"
    came = f"{arrived}; questions for them find {figure(report.gain)} more of them"
    screen.print(f"\n{came}, at {report.cost:.1%} of the clicks; {report.seconds:.1f} s")


def render(screen: Console, report: SimulateReport) -> None:
    """Draw recall, regret and where the budget went."""
    rows = [
        (
            name, figure(of.recall), figure(of.early_regret, 1), figure(of.regret, 1),
            "" if of.clicks is None else figure(of.clicks), _spent(of.share),
        )
        for name, of in report.policies.items()
    ]  # fmt: skip
    numbers = ("recall", "regret, first 1,000", "regret", "clicks")
    screen.print(table(("policy", *numbers, "share of the budget"), rows, numbers=numbers))
    if report.losses and report.shares:
        screen.print()
        broken = [
            (name, figure(loss), *(figure(part, 2) for part in (report.shares or {}).get(name, ())))
            for name, loss in report.losses.items()
        ]
        lost = ("recall lost", "share before", "share after")
        screen.print(table((f"{report.broken} broken", *lost), broken, numbers=lost))
    of_all = f"{figure(report.reachable)} of what is wanted is found by some strategy"
    streams = f"{counted(report.seeds, 'stream')} of {counted(report.searches, 'search', 'searches')}"
    screen.print(f"\n{streams}, {counted(report.budget, 'candidate')}; {of_all}; {report.seconds:.1f} s")


def _spent(share: dict[str, float] | object) -> str:
    pairs = sorted(share.items(), key=lambda pair: -pair[1]) if isinstance(share, dict) else []
    return ", ".join(f"{name} {part:.0%}" for name, part in pairs[:4] if part >= 0.01)
