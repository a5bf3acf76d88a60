"""What a reading says that a query wants: one thing by its name, or whatever bears some values."""

from __future__ import annotations

from ltrr_cli.core.spans import NAMING
from ltrr_cli.core.types import Reading


def meant_by_name(reading: Reading) -> float:
    """Return the odds, 0..1, that a query asks for one thing by its name (half of the mixed do)."""
    return reading.intent.get("spearfishing", 0.0) + 0.5 * reading.intent.get("mixed", 0.0)


def states_values(reading: Reading) -> float:
    """Return the odds, 0..1, that a query is made of types and attribute values alone, where else it would be a name.

    That it may be mere words, which is a third case, says nothing of who should lead.
    """
    length = len(reading.tokens)
    stated = sum(
        one.odds
        for one in reading.interpretations
        if sum(slot.end - slot.start for slot in one.slots if slot.field not in NAMING) == length
    )
    return stated / (stated + meant_by_name(reading)) if stated > 0 else 0.0
