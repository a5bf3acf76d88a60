"""``ltrr evaluate``: answers judged against judgments, beside the baselines that a claim must name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, figure, table
from ltrr_cli.core.errors import GateError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ltrr_cli.evaluation.records import EvaluateReport


def evaluate(
    ctx: CommandContext,
    qrels: Annotated[
        Path,
        typer.Option("--qrels", metavar="FILE", help="Judgments: TREC qrels, or a CSV of grade,keywords,docid."),
    ],
    queries: Annotated[
        Path | None,
        typer.Option("--queries", metavar="FILE", help="{query_id, text, user_id?, timestamp?, kind?} lines."),
    ] = None,
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures",
            metavar="M,M",
            help="Measures, named as in ir-measures.  [default: nDCG@10,RR@10,P@10,R@100,Judged@10]",
        ),
    ] = None,
    policies: Annotated[
        str | None,
        typer.Option("--policies", metavar="P,P", help="Allocation policies.  [default: the serving one]"),
    ] = None,
    runs: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="[NAME=]FILE", help="Score a TREC run too; without --queries, only runs."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", metavar="N", help="Results per query.  [default: 100, or the deepest cutoff]")
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", metavar="N", help="Distinct candidates.  [default: retrieval.budget]")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", metavar="M=VALUE", help="Exit with 8 if the first system is below (repeatable)."),
    ] = None,
    per_query: Annotated[
        Path | None,
        typer.Option("--per-query", metavar="OUT", help="Write the figures of every query (tab-separated)."),
    ] = None,
    write_runs: Annotated[
        Path | None,
        typer.Option("--write-runs", metavar="DIR", help="Write the results of every system as a TREC run."),
    ] = None,
    write_qrels: Annotated[
        Path | None, typer.Option("--write-qrels", metavar="OUT", help="Write the judgments as TREC qrels, or as .csv.")
    ] = None,
    engine: options.Engine = None,
) -> None:
    """Score results against relevance judgments, beside rank fusion, the best single strategy and a random order.

    The first system is compared with each of the others (paired randomisation test), and all are split by kind of
    query: what it seems to want, how often it was asked, and the file's own kinds.
    """
    gates = _gates(fail_under or [])
    from ltrr_cli.evaluation.evaluate import MEASURES
    from ltrr_cli.feedback.judgments import write_qrels as write_judgments
    from ltrr_cli.feedback.judgments import write_run

    wanted = options.listed(measures) or MEASURES
    with ctx.progress() as progress:
        report, done = ctx.workspace().evaluate(
            queries,
            qrels,
            measures=tuple(dict.fromkeys((*wanted, *gates))),
            policies=options.listed(policies),
            runs=_named(runs or []),
            k=k,
            budget=budget,
            engine=engine,
            progress=progress,
        )
    if write_runs is not None:
        write_runs.mkdir(parents=True, exist_ok=True)
        for name, run in done.runs.items():
            write_run(write_runs / f"{_file_name(name)}.trec", run, _file_name(name))
    if write_qrels is not None:
        write_judgments(write_qrels, done.judged)
    if per_query is not None:
        done.write_per_query(per_query)
    ctx.answer(report, lambda screen: render(screen, report))
    if report.unanswered:
        ctx.warn(f"{counted(report.unanswered, 'judged query', 'judged queries')} not among the queries: they count 0")
    if report.unjudged:
        ctx.warn(f"{counted(report.unjudged, 'query', 'queries')} that nobody judged: left out")
    _hold(gates, report)


def render(screen: Console, report: EvaluateReport) -> None:
    """Draw the means with their intervals, the comparisons, and the kinds of queries."""
    names = list(next(iter(report.measures.values())))
    rows = [(_label(who, report), *(figure(of[name]) for name in names)) for who, of in report.measures.items()]
    screen.print(table(("system", *names), rows, numbers=names))
    first, main = next(iter(report.measures)), names[0]
    low, high = report.intervals[first][main]
    queries = counted(report.queries, "judged query", "judged queries")
    screen.print(f"\n{queries}; {main} of {first} lies in {low:.4f} .. {high:.4f} (95 %)\n", soft_wrap=True)
    if report.against:
        screen.print(versus(report, main))
    if report.strategies:
        lists = ((name, *(figure(of[measure]) for measure in names)) for name, of in report.strategies.items())
        screen.print()
        screen.print(table(("strategy alone", *names), lists, numbers=names))
    if report.kinds:
        screen.print()
        screen.print(kinds(report, main))


def versus(report: EvaluateReport, measure: str) -> Table:
    """Return the first system against each of the others."""
    rows = []
    for name, of in report.against.items():
        two = of[measure]
        interval = f"{two.low:+.4f} .. {two.high:+.4f}"
        rows.append((_label(name, report), f"{two.difference:+.4f}", interval, f"{two.p:.4f}"))
    first = next(iter(report.measures))
    return table((f"{first} minus", measure, "95 %", "p"), rows, numbers=(measure, "95 %", "p"))


def kinds(report: EvaluateReport, measure: str) -> Table:
    """Return one measure of every system by kind of query."""
    systems = list(report.measures)
    rows = [
        (f"{split}: {group}", f"{found.queries:,}", *(figure(found.measures[who][measure]) for who in systems))
        for split, of in report.kinds.items()
        for group, found in of.items()
    ]
    return table((f"{measure} by kind", "queries", *systems), rows, numbers=("queries", *systems))


def _label(name: str, report: EvaluateReport) -> str:
    return f"{name} ({report.best_single})" if name == "best_single" and report.best_single else name


def _named(texts: Sequence[str]) -> dict[str, str]:
    """Read ``NAME=FILE`` or ``FILE``, which is named by its stem."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or Path(text).exists():
            name, path = Path(text).stem, text
        if name in found:
            raise UsageError(f"two runs are named {name!r}", hint="name them with --run NAME=FILE")
        found[name] = path
    return found


def _file_name(system: str) -> str:
    """Return a system's name as one word that any file system and TREC takes.

    >>> _file_name("fixed(lexical=40,memory=60)")
    'fixed-lexical-40-memory-60'
    """
    return "-".join("".join(c if c.isalnum() or c in "._" else " " for c in system).split()) or "run"


def _gates(texts: Sequence[str]) -> dict[str, float]:
    gates: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        try:
            gates[name.strip()] = float(value if equals and name.strip() else "")
        except ValueError:
            hint = "write it as --fail-under nDCG@10=.5"
            raise UsageError(f"--fail-under {text[:60]!r} is no gate", hint=hint) from None
    return gates


def _hold(gates: Mapping[str, float], report: EvaluateReport) -> None:
    first = next(iter(report.measures))
    for name, least in gates.items():
        value = report.measures[first][name]
        if not value >= least:  # NaN meets no gate
            raise GateError(f"{name} of {first} is {value:.4f}, below {least:g}")
