"""``ltrr status``: the workspace in a dozen facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import counted, facts

if TYPE_CHECKING:
    from ltrr_cli.engine.reports import Status


def status(desk: Desk) -> None:
    """Show what is indexed, what was learnt, and what serves."""
    found = desk.workspace().status()
    desk.answer(found, lambda screen: screen.print(facts(lines(found))))
    for damage in found.damaged:
        desk.warn(f"damaged, not used: {damage}")


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
        ("encoder", found.encoder),
        ("ranker", found.ranker),
        ("rewards", rewards),
        ("digest", found.journal_digest),
    ]
