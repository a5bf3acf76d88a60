"""``ltrr explain``: the funnel of one logged search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import (
    SHORTEST_CUT,
    Cells,
    beliefs,
    brought_by,
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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ltrr_cli.workspace.explain import Explanation


def explain(
    ctx: CommandContext,
    impression: Annotated[str, typer.Argument(metavar="IMPRESSION", help="The id that `ltrr query` printed.")],
) -> None:
    """Show how a page came about: reading, allocation, what each strategy brought, odds, and what people did."""
    found = ctx.workspace().explain(impression)
    ctx.answer(found, lambda screen: render(screen, found))


def render(screen: Console, found: Explanation) -> None:
    """Draw the funnel, from the question to what people did."""
    asked = [("query", repr(found.query)), ("time", found.time or "not known"), ("origin", found.origin)]
    asked += [(name, who) for name, who in (("user", found.user), ("session", found.session)) if who]
    read = [] if found.reading is None else reading_facts(found.reading)
    planned = [] if found.plan is None else plan_facts(found.plan)
    screen.print(facts([*asked, *read, *planned]))
    screen.print()
    if found.funnel:
        for sentence in funnel(found):
            screen.print(safe(sentence))
        screen.print()
    room = max((screen.width - 36) // 3, SHORTEST_CUT)
    columns = ["", "title", "score", "odds", "retrieved", "rank in", "actions"]
    rows: Cells = [
        [
            line.position, shortened(line.title, room), figure(line.score, 3), figure(line.odds, 3),
            figure(line.inclusion, 3), brought_by(line.ranks, most=12), ", ".join(line.actions),
        ]
        for line in found.page
    ]  # fmt: skip
    if not any(line.actions for line in found.page):
        columns, rows = without("actions", columns, rows)
    screen.print(table(columns, rows, numbers=("", "score", "odds", "retrieved")))
    for line in found.page:
        for guess in line.inferred:
            believed = f"{line.title}: {guess.field} is believed to be {guess.value!r} ({guess.score:.0%})"
            screen.print(safe(believed), style="dim")
    for rule in found.rules:
        named = (("pinned", rule.pinned), ("blocked", rule.blocked))
        done = [f"{name} {', '.join(ids)}" for name, ids in named if ids]
        done += ["boosted, or searched for synonyms"] if rule.changes else []
        screen.print(safe(f"editors' rule {rule.name}: {'; '.join(done) or 'nothing that is here'}"), style="dim")
    if found.beliefs:
        screen.print(
            "\nwhat the bandit expects for this query: chance by rank, and the most important features", style="dim"
        )
        screen.print(beliefs(found.beliefs, screen.width))
    for shadow in found.shadows:
        draws = ", ".join(f"{name} {count}" for name, count in shadow.draws.items() if count)
        screen.print(safe(f"\nshadow {shadow.name} ({draws})"), style="dim")
        screen.print(f"{shadow.same} of {len(found.page)} the same, {shadow.chosen} chosen")
    if found.memory:
        screen.print()
        screen.print(safe(f"what the memory knows of {found.query!r} and similar queries"), style="dim")
        screen.print(memory(found, screen.width))


def funnel(found: Explanation) -> list[str]:
    """Return one sentence a stage: how many entities were left, and how many of them each strategy had.

    Only strategies that had any are named, the largest shares first.
    """
    lines = []
    for stage in found.funnel:
        had = sorted(((count, name) for name, count in stage.strategies.items() if count), key=lambda one: -one[0])
        named = ", ".join(f"{name} {count:,}" for count, name in had)
        lines.append(f"{stage.stage}: {stage.entities:,}" + (f" ({named})" if named else ""))
    return lines


def memory(found: Explanation, width: int) -> Table:
    """Return what the memory knows of the query: counts, those of similar queries, what is left of the prediction."""
    rows = [
        (
            pair.title, pair.id, figure(pair.count, 1), figure(pair.near, 1), pair.users,
            f"{found.prior_share:.0%}", figure(pair.score, 3),
        )
        for pair in found.memory
    ]  # fmt: skip
    numbers = ("chosen", "similar", "users", "predicted", "score")
    columns = ("title", "id", *numbers)
    return table(columns, fitted(columns, rows, ("title",), width), numbers=numbers)
