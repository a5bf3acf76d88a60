"""``ltrr ope``: what another policy would have been worth, from logged odds - or why nobody can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, figure, table
from ltrr_cli.core.errors import GateError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.evaluation.records import OpeReport

ESTIMATORS = ("auto", "ips", "snips", "dr", "slate", "pi", "replay")


def ope(
    ctx: CommandContext,
    logs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[LOG...]", help="Plain logged-bandit JSONL or CSV.  [default: the journal]"),
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option(
            "--policies",
            metavar="P,P",
            help="POLICY or POLICY/RANKER (serving, fusion, a folder); of a plain log: random, item(ID), column(NAME).",
        ),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator", metavar="|".join(ESTIMATORS), help="auto: dr for the journal, snips for plain logs."
        ),
    ] = "auto",
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Use searches from this time on.")] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="ROLE=COLUMN", help="Columns of a plain log: action, reward, propensity, ..."),
    ] = None,
    actions: Annotated[
        int | None,
        typer.Option("--actions", metavar="N", help="Number of actions, if a plain log does not contain all."),
    ] = None,
) -> None:
    """Off-policy evaluation: estimate what other policies would have earned on logged searches.

    Only live searches with logged odds count, never imported ones. Where support is too thin no value is stated and
    the exit code is 8: settings [evaluation] say what is too thin.
    """
    if estimator not in ESTIMATORS:
        raise UsageError(f"--estimator {estimator[:40]!r} is unknown", hint=f"one of {', '.join(ESTIMATORS)}")
    moment = options.moment(since, "--from")
    roles = options.pairs(mapping or [], "--map", "reward=clicks")
    if logs:
        if moment is not None:
            raise UsageError("--from does not go with a plain log", hint="give a log of the time that counts")
        report = ctx.workspace().ope_of_logs(
            logs, options.listed(policies), estimator=estimator, mapping=roles, actions=actions
        )
    else:
        if roles or actions is not None:
            raise UsageError("--map and --actions are for plain logs", hint="ltrr ope LOG --map reward=clicks")
        with ctx.progress() as progress:
            report = ctx.workspace().ope(
                options.listed(policies), estimator=estimator, since_ms=moment, progress=progress
            )
    ctx.answer(report, lambda screen: render(screen, report))
    refused = {name: found.refused for name, found in report.policies.items() if found.refused}
    if refused:
        first = next(iter(refused))
        more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        raise GateError(f"no value of {first} is stated: {refused[first]}{more}", hint="log longer, or explore more")


def render(screen: Console, report: OpeReport) -> None:
    """Draw values with their intervals and what they rest on."""
    rows = [
        (
            name, found.estimator, figure(found.value), f"{figure(found.low)} .. {figure(found.high)}",
            f"{found.ess:,.0f}", f"{found.largest:.1%}", f"{found.unsupported:.1%}",
        )
        for name, found in report.policies.items()
    ]  # fmt: skip
    numbers = ("value", "95 %", "effective", "largest", "unsupported")
    screen.print(table(("policy", "estimator", *numbers), rows, numbers=numbers))
    done = [counted(report.searches, "search", "searches"), counted(report.sessions, "session")]
    done += [f"left out: {count:,} {reason}" for reason, count in report.left_out.items()]
    screen.print("\n" + "; ".join(done), soft_wrap=True)
    for name, found in report.policies.items():
        if found.refused:
            screen.print(f"{name}: refused, {found.refused}", soft_wrap=True)
