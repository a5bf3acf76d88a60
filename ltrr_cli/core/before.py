"""What an update may keep of the catalog generation before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.core.types import Entity, IntArray


@dataclass(frozen=True, slots=True)
class Before:
    """The sealed generation before, and which of its rows are as they were.

    folder -- of that generation
    rows   -- (entities,) int32, ascending where >= 0: the row there of an entity that did not change, -1 of another
    gone   -- its entities that were replaced or deleted
    """

    folder: Path
    rows: IntArray
    gone: tuple[Entity, ...]
