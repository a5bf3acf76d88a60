"""Does a ranker know the columns that a search would give it? Asked when it is opened, not at the first search."""

from __future__ import annotations

from collections.abc import Iterable

from ltrr_cli.ranking.model import Model, Schema

NAMED = 3  # columns that a message names


def misfit(columns: Schema, model: Model) -> str | None:
    """Say why a model cannot serve here: which columns it lacks and which it wants; None where it can.

    Columns are never matched by name, missing ones left empty: the untrained score moves with the strategies too, and a
    ranker was trained to correct the score that it saw.
    """
    if model.schema.digest == columns.digest:
        return None
    new, gone = set(columns.names) - set(model.schema.names), set(model.schema.names) - set(columns.names)
    told = [f"{what}: {_named(names)}" for what, names in (("it lacks", new), ("it wants", gone)) if names]
    return f"trained with other features ({'; '.join(told) or 'in another order'})"


def _named(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more
