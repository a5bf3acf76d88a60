"""``ltrr query``: one query answered on the screen, or a file of them into a TREC run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import (
    SHORTEST_CUT,
    Cells,
    brought_by,
    counted,
    facts,
    figure,
    fitted,
    plan_facts,
    reading_facts,
    safe,
    shortened,
    table,
    without,
)
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ltrr_cli.core.types import AttributeValue
    from ltrr_cli.engine.query import Page

LARGEST_SEED = 2**63 - 1
ROOMY = 110  # columns from which a page also says who brought what


def query(
    ctx: CommandContext,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Search text; omit it for recommendations.")
    ] = None,
    k: Annotated[int | None, typer.Option("-k", metavar="N", help="Results.  [default: 10, 100 with --batch]")] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", metavar="N", help="Distinct candidates.  [default: retrieval.budget]")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="The user who asks.")] = None,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="The session of the query.")] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="The time of the query.  [default: the newest in the data]"),
    ] = None,
    context: Annotated[
        list[str] | None, typer.Option("--context", metavar="K=V", help="More context of the query (repeatable).")
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="F=V", help="Only entities with genre=jazz, year>=2000 (repeatable)."),
    ] = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="P", help="Allocation policy for this query only.")
    ] = None,
    ranker: Annotated[
        str | None, typer.Option("--ranker", metavar="R", help="Order by ranker-N or fusion.  [default: what serves]")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of the random draw.")] = None,
    hide_seen: Annotated[bool, typer.Option("--hide-seen", help="Leave out what the user already acted on.")] = False,
    like: Annotated[
        str | None, typer.Option("--like", metavar="ENTITY", help="Entities that are like this one.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Count this query as real traffic.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show how the page came about.")] = False,
    no_log: Annotated[bool, typer.Option("--no-log", help="Do not write the impression to the journal.")] = False,
    no_explore: Annotated[
        bool, typer.Option("--no-explore", help="Use the best allocation, without exploration.")
    ] = False,
    page_number: Annotated[int | None, typer.Option("--page", metavar="N", help="The next results: 2, 3 ...")] = None,
    facets: Annotated[
        str | None, typer.Option("--facets", metavar="F,F", help="Count these fields' values over what matches.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="FIELD", help="Order what matches: price; -price: largest first.")
    ] = None,
    batch: Annotated[
        Path | None, typer.Option("--batch", metavar="QUERIES", help="Answer a file of {query_id, text, ...} lines.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="OUT", help="With --batch: the TREC run to write.")
    ] = None,
    engine: options.Engine = None,
) -> None:
    """Answer a query: strategies bring candidates, the ranker orders them; the page is logged.

    Queries at the terminal do not count as real traffic, unless --live or live = true in ltrr.toml says so.
    """
    conditions = options.filters(filters or ())
    text = " ".join(words) if words else None
    if seed is not None and not 0 <= seed <= LARGEST_SEED:
        raise UsageError(f"--seed is {seed}", hint=f"a seed lies between 0 and {LARGEST_SEED}")
    if batch is not None or run is not None:
        only_one = {
            "TEXT": text, "--user": user, "--session": session, "--at": at, "--context": context, "--filter": filters,
            "--seed": seed, "--like": like, "--live": live, "--explain": explain, "--page": page_number,
            "--facets": facets, "--sort": sort,
        }  # fmt: skip
        _batch(ctx, batch, run, only_one, 100 if k is None else k, budget, policy, ranker, hide_seen, engine)
        return
    if engine is not None:
        raise UsageError("--engine goes with --batch", hint="one query is answered here")
    for name, value in (("TEXT", text), ("--user", user), ("--session", session), ("--like", like)):
        options.readable(value, name)
    known = options.pairs(context or (), "--context", "device=phone")
    moment = options.moment(at, "--at")
    workspace = ctx.workspace()
    page = workspace.query(
        text or "",
        k=10 if k is None else k,
        budget=budget,
        user=user,
        session=session,
        at=moment,
        context=known,
        filters=conditions,
        policy=policy,
        ranker=ranker,
        seed=seed,
        hide_seen=hide_seen,
        like=like,
        live=live or workspace.settings.live,
        log=not no_log,
        explore=not no_explore,
        page=page_number,
        facets=options.listed(facets),
        sort=sort,
    )
    for warning in page.warnings:
        ctx.warn(warning)
    ctx.answer(page, lambda screen: render(screen, page, explain=explain))
    ctx.say(talk(page))
    if ctx.verbose:
        ctx.say(", ".join(f"{stage} {took:.1f} ms" for stage, took in page.took_ms.items() if "." not in stage))
        ctx.show(times(page))


def _batch(
    ctx: CommandContext,
    queries: Path | None,
    run: Path | None,
    only_one: Mapping[str, object],
    k: int,
    budget: int | None,
    policy: str | None,
    ranker: str | None,
    hide_seen: bool,
    engine: str | None,
) -> None:
    if queries is None or run is None:
        raise UsageError("--batch and --run belong together", hint="ltrr query --batch QUERIES.jsonl --run OUT.trec")
    for name, value in only_one.items():
        if value not in (None, False, []):
            raise UsageError(f"{name} does not go with --batch", hint="the lines of the file say who asks what")
    with ctx.progress() as progress:
        report = ctx.workspace().query_batch(
            queries, run, k=k, budget=budget, policy=policy, ranker=ranker, hide_seen=hide_seen, engine=engine,
            progress=progress,
        )  # fmt: skip
    empty = f" ({report.empty:,} without any)" if report.empty else ""
    line = f"{counted(report.queries, 'query', 'queries')}{empty}, {counted(report.results, 'result')} in {run}"
    ctx.answer(report, lambda screen: screen.print(line, soft_wrap=True))


def render(screen: Console, page: Page, *, explain: bool = False) -> None:
    """Draw a page; with ``explain`` also how it came to be."""
    if explain:
        screen.print(facts([*reading_facts(page.reading), *plan_facts(page.plan)]))
        screen.print()
    for note in page.notes:
        screen.print(safe(note), soft_wrap=True)
    if page.results:
        screen.print(explained(page, screen.width) if explain else results(page, screen.width))
    for name, counts in page.facets.items():
        told = ", ".join(f"{value} {count:,}" for value, count in counts.items())
        screen.print(safe(f"{name}: {told}"), style="dim", soft_wrap=True)


def results(page: Page, width: int) -> Table:
    """Return the page as a table: what an entity is first, then who brought it, where there is room."""
    columns = ["", "title", "type", "id", "what", "brought by (rank)"]
    rows: Cells = [
        [it.position, it.title, it.type, it.id, what(it.attributes),
         brought_by({name: had.rank for name, had in it.sources.items()})]
        for it in page.results
    ]  # fmt: skip
    if not any(it.attributes for it in page.results):
        columns, rows = without("what", columns, rows)
    elif width < ROOMY:
        columns, rows = without(columns[-1], columns, rows)
    return table(columns, fitted(columns, rows, ("title", columns[-1]), width), numbers=[""])


def what(attributes: Mapping[str, AttributeValue]) -> str:
    """Write the few attributes that matter.

    >>> what({"genre": ("jazz", "soul"), "year": 1959.0})
    'genre jazz, soul; year 1959'
    """
    told = {
        name: f"{value:.10g}" if isinstance(value, float) else ", ".join((value,) if isinstance(value, str) else value)
        for name, value in attributes.items()
    }
    return "; ".join(f"{name} {value}" for name, value in told.items())


def explained(page: Page, width: int) -> Table:
    """Return the page with scores, odds, whether each matches, and the rank in every strategy that had it."""
    columns = ("", "title", "score", "odds", "rank in")
    rows = [
        (
            line.position, line.title if line.matches else f"{line.title} (no match)", figure(line.score, 3),
            figure(line.odds, 3), brought_by({name: had.rank for name, had in line.sources.items()}, most=12),
        )
        for line in page.results
    ]  # fmt: skip
    titles = max(len(str(row[1])) for row in rows)
    room = max((width - 20) * 2 // 5, SHORTEST_CUT)
    shown = [(row[0], shortened(str(row[1]), min(titles, room)), *row[2:]) for row in rows]
    return table(columns, shown, numbers=["", "score", "odds"])


def times(page: Page) -> Table:
    """Return what each strategy was allotted and how long it took, in the order in which they were asked."""
    took = {name: ms for stage, ms in page.took_ms.items() if (name := stage.partition(".")[2])}
    rows = [(name, page.plan.draws.get(name, 0), f"{ms:.1f}") for name, ms in took.items()]
    return table(("strategy", "candidates", "ms"), rows, numbers=("candidates", "ms"))


def talk(page: Page) -> str:
    """Say beside the answer what to do with it."""
    count = f"{len(page.results)} of {page.candidates:,} candidates" if page.results else "no results"
    how = f"allocation {page.plan.policy}, ranked by {page.ranker}"
    return f"{count}; {how}" + (f"; ltrr explain {page.impression_id}" if page.impression_id else "")
