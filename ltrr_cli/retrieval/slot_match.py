"""How well entities bear what a query was read as, for strategies that know nothing of words themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ltrr_cli.core.spans import NAMING
from ltrr_cli.core.types import Request
from ltrr_cli.retrieval.row_scores import RowScores
from ltrr_cli.retrieval.strategy import Resources, Strategy, look_of
from ltrr_cli.retrieval.structured import Structured

LEAK = 0.02  # of a full match: the odds, so to speak, that what does not bear the reading is wanted all the same


class SlotMatch:
    """How well entities match the slots of a reading, by the table that ``structured`` builds."""

    def __init__(self, structured: Structured) -> None:
        self._structured = structured

    @classmethod
    def open(cls, resources: Resources, folder: Path) -> SlotMatch:
        """Open the neighbour of a strategy's folder."""
        return cls(Structured.open(resources, folder.with_name(Structured.name), None))

    def join(self, company: Mapping[str, Strategy]) -> None:
        """Look through the open ``structured`` of the same snapshot, where there is one: one look serves all."""
        owner = company.get(Structured.name)
        if isinstance(owner, Structured):
            self._structured = owner

    def match(self, request: Request) -> RowScores | None:
        """Return how much of the query entities bear, 0..1; None where it was read as mere words.

        Titles alone are no kind of thing: a query that names an entity says nothing of what else may be wanted.
        """
        kinds = (slot for reading in request.reading.interpretations for slot in reading.slots)
        if all(slot.field in NAMING for slot in kinds):
            return None
        return look_of(self._structured, request).match
