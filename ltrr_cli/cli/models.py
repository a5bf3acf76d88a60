"""``ltrr models``: every ranker that was trained, which one serves, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import facts, figure, measures, table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.engine.model_store import ModelCard, ModelList

MEASURE = "nDCG@10"


def listing(ctx: CommandContext) -> None:
    """List all trained rankers, newest first."""
    found = ctx.workspace().models()
    ctx.answer(found, lambda screen: _painted(screen, found))


def _painted(screen: Console, found: ModelList) -> None:
    rows = [
        (
            f"{card.name}{' (serves)' if card.name == found.serving else ''}",
            card.algorithm,
            card.source,
            card.trained[:16],
            card.searches,
            figure(card.measures.get("trained", {}).get(MEASURE)),
            figure(card.measures.get("serving", {}).get(MEASURE)),
        )
        for card in found.models
    ]
    columns = ("model", "algorithm", "from", "trained", "searches", MEASURE, "served before")
    screen.print(table(columns, rows, numbers=columns[4:]))
    if found.serving == "fusion":
        screen.print("fusion serves", soft_wrap=True)


def show(
    ctx: CommandContext,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="[default: the one that serves]")] = None,
) -> None:
    """Show a ranker's held-out measures, its most important features, and the queries it helped and hurt most."""
    card = ctx.workspace().model(name)
    ctx.answer(card, lambda screen: render(screen, card))

SILENT = ", the more alone the likelier a name is asked for"


def render(screen: Console, card: ModelCard) -> None:
    """Draw one card."""
    screen.print(
        facts(
            [
                ("model", card.name),
                ("algorithm", card.algorithm),
                ("trained", f"{card.trained} on {card.searches:,} searches, from {card.source}"),
                ("verdict", card.reason),
                ("untrained score", f"counts {card.anchor:g} beside it{SILENT if card.silent else ''}"),
            ]
        )
    )
    screen.print()
    screen.print(measures(card.measures, "held-out searches"))
    for title, rows in (
        ("feature, shuffled", list(card.importances.items())),
        ("won most", card.won),
        ("lost most", card.lost),
    ):
        if rows:
            screen.print()
            signed = "+.4f" if "most" in title else ".4f"
            lines = [(what, format(value, signed)) for what, value in rows]
            screen.print(table((title, MEASURE if "most" in title else f"loss of {MEASURE}"), lines))


def promote(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME", help="ranker-N of the list, or fusion for none.")],
) -> None:
    """Make a trained ranker serve, whether it is better or not."""
    _served(ctx, name)


def rollback(ctx: CommandContext) -> None:
    """Make the previous ranker serve again."""
    _served(ctx, None)


def _served(ctx: CommandContext, name: str | None) -> None:
    workspace = ctx.workspace()
    with ctx.progress() as progress:
        serving = workspace.promote(name, progress=progress)
    found = workspace.models()
    ctx.answer(found, lambda screen: screen.print(f"{serving} serves now", soft_wrap=True))


COMMANDS = (
    ("list", listing, "List all trained rankers."),
    ("show", show, "Show what is known of one."),
    ("promote", promote, "Let one serve."),
    ("rollback", rollback, "Let the one before serve again."),
)
