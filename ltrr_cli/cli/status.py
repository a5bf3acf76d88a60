"""``ltrr status``: the workspace in a dozen facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import beliefs, counted, facts, figure, safe, table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.workspace.status import Status


def status(
    ctx: CommandContext,
    bandit: Annotated[
        bool, typer.Option("--bandit", help="Also show what the bandit believes, and the worth of each strategy.")
    ] = False,
) -> None:
    """Show what is indexed, learnt and serving."""
    found = ctx.workspace().status(bandit=bandit)
    ctx.answer(found, lambda screen: render(screen, found))
    for damage in found.damaged:
        ctx.warn(f"damaged, not used: {damage}")


def render(screen: Console, found: Status) -> None:
    """Draw the facts, then the bandit where it was asked for."""
    screen.print(facts(lines(found)))
    for kind, lines_ in found.beliefs.items():
        screen.print(f"\nwhat the bandit expects for recent queries of this kind: {kind}", style="dim")
        screen.print(beliefs(lines_, screen.width))
    if found.features:
        screen.print(f"\nit looks at {len(found.features)} features", style="dim")
        screen.print(safe(", ".join(found.features)))
    if found.worth:
        screen.print("\nwhat each strategy alone had of what was chosen", style="dim")
        rows = [
            (line.strategy, line.rewarded, line.only, figure(line.per_1000, 2), figure(line.per_second, 1),
             figure(line.ms, 2))
            for line in found.worth
        ]  # fmt: skip
        numbers = ("had", "alone", "alone per 1,000 candidates", "alone per second", "ms a search")
        screen.print(table(("strategy", *numbers), rows, numbers=numbers))


def lines(found: Status) -> list[tuple[str, object]]:
    """Return the facts as names and values."""
    rewards = ", ".join(f"{kind} {worth:g}" for kind, worth in found.rewards.items())
    return [
        ("workspace", found.home),
        ("catalog", f"generation {found.catalog_generation}, {counted(found.entities, 'entity', 'entities')}"),
        ("learned", "nothing yet" if found.learned_generation is None else f"generation {found.learned_generation}"),
        ("journal", f"{counted(found.impressions, 'impression')}, {counted(found.events, 'event')}"),
        ("memory", counted(found.memory_pairs, "query-entity pair")),
        ("strategies", ", ".join(found.strategies)),
        ("policy", found.policy),
        *([("shadows", ", ".join(found.shadows))] if found.shadows else []),
        ("encoder", found.encoder),
        ("ranker", found.ranker),
        *([("rewards", rewards)] if rewards else []),
        ("digest", found.journal_digest),
    ]
