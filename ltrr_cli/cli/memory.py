"""``ltrr memory``: what worked for which query, what is only predicted, and how much of a score is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import Cells, facts, figure, fitted, table, without

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.workspace.memory_report import MemoryReport


def show(
    ctx: CommandContext,
    words: Annotated[list[str], typer.Argument(metavar="QUERY...", help="The query, as a user would type it.")],
    k: Annotated[int, typer.Option("-k", metavar="N", min=1, help="Number of entities to show.")] = 10,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="The state at this time.  [default: the last event]")
    ] = None,
) -> None:
    """Show what the memory believes about a query, and why: every score is the sum of its five parts.

    own: actions on this query. near: weighted actions on queries written like it. words: what was chosen for single
    words of it. predicted: what titles, attributes and given predictions expect. fame: what is popular among these.
    acts: how often each was chosen for this query. against: skips, dislikes, short visits, which lessen all parts.
    """
    found = ctx.workspace().remembered(" ".join(words), k=k, at=at)
    ctx.answer(found, lambda screen: render(screen, found))


def render(screen: Console, found: MemoryReport) -> None:
    """Draw the facts of the query, then one line an entity."""
    named = [
        ("query", repr(found.query)),
        ("key", repr(found.key)),
        ("actions", f"{found.actions:,.4g} of its own, {found.near_actions:,.4g} of queries written like it"),
        ("prior", f"{found.prior_share:.0%} of every score is prediction"),
    ]
    screen.print(facts(named))
    screen.print()
    parts = ("own", "near", "words", "predicted", "fame")
    columns = ["", "title", "id", "score", *parts, "acts", "against"]
    rows: Cells = [
        [
            place, line.title, line.id, figure(line.score, 3),
            *(figure(line.parts[part], 3) for part in parts), figure(line.count, 1), figure(line.against, 1),
        ]
        for place, line in enumerate(found.lines, 1)
    ]  # fmt: skip
    if not any(line.against for line in found.lines):
        columns, rows = without("against", columns, rows)
    numbers = [name for name in columns if name not in ("title", "id")]
    screen.print(table(columns, fitted(columns, rows, ("title",), screen.width), numbers=numbers))


COMMANDS = (("show", show, "Show what the memory believes of a query, and why."),)
