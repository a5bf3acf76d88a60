"""``ltrr memory``: what worked for which query, what is only predicted, and how much of a score is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import facts, figure, table

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
    """Show what the memory believes about a query, and why.

    own: actions on this query. near: weighted actions on queries written like it. bayes: what its words speak for.
    predicted: what titles, attributes and given predictions expect. against: skips, dislikes, short visits; they divide
    a score by 1 + against / (1 + own + near).
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
    rows = [
        (
            place, line["title"], line["id"], figure(line["score"], 4), figure(line["own"], 1), figure(line["near"], 1),
            figure(line["bayes"], 3), figure(line["predicted"], 3), figure(line["against"], 1), line["users"],
        )
        for place, line in enumerate(found.lines, 1)
    ]  # fmt: skip
    numbers = ("score", "own", "near", "bayes", "predicted", "against", "users")
    screen.print(table(("", "title", "id", *numbers), rows, numbers=("", *numbers)))


COMMANDS = (("show", show, "Show what the memory believes of a query, and why."),)
