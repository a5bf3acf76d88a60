"""What a remote retriever answered, now or as the journal keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RemoteLine:
    """One hit: an id, its score (higher is better, comparable only inside the answer), and the fields that came."""

    id: str
    score: float
    fields: Mapping[str, Any] = field(default_factory=dict)


class RemoteAnswer(Protocol):
    """The answer of one retriever to one search; it may still be on its way."""

    def lines(self) -> Sequence[RemoteLine] | None:
        """Return the hits, best first, waiting until the deadline; None where there is no answer."""
        ...


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """An answer that is there: of a past search, or of a test."""

    found: Sequence[RemoteLine]

    def lines(self) -> Sequence[RemoteLine]:
        """Return the hits, best first."""
        return self.found


@dataclass(frozen=True, slots=True)
class RemoteQuestion:
    """What a retriever is asked.

    vector  -- of the text, by the workspace's encoder; empty where nobody needs it
    filters -- (field, operator, value)
    """

    text: str
    k: int
    vector: tuple[float, ...] = ()
    filters: tuple[tuple[str, str, str], ...] = ()
