"""What a reading says that a query wants: one thing by its name, or whatever bears some values."""

from __future__ import annotations

from ltrr_cli.core.spans import NAMING
from ltrr_cli.core.types import Reading

SURER = 4  # power of the odds that a name is meant: those of names lie above 1/2, those of topics below 1/3


def meant_by_name(reading: Reading) -> float:
    """Return the odds, 0..1, that a query asks for one thing by its name (half of the mixed do)."""
    return reading.intent.get("spearfishing", 0.0) + 0.5 * reading.intent.get("mixed", 0.0)


def surely(odds: float) -> float:
    """Return odds that tell names from topics more sharply.

    >>> [round(surely(odds), 2) for odds in (0.1, 0.35, 0.5, 0.65, 0.9)]
    [0.0, 0.08, 0.5, 0.92, 1.0]
    """
    return odds**SURER / (odds**SURER + (1.0 - odds) ** SURER)


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
