"""How often each type of event stands in a log, and what it is worth: what is said about a log that was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.feedback.event_types import EventClass
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal_kinds import EventKind


@dataclass(frozen=True, slots=True)
class TypeCount:
    """How often a type of event was read in a log, and what it is worth.

    event_class -- "exposure", "look", "choice", "commitment", "against", "rating", "other", or "unknown"
    reward      -- -1..1; of a rating at the upper end of its scale
    scale       -- lowest and highest rating; None for what is no rating
    """

    count: int
    event_class: str
    reward: float
    scale: tuple[float, float] | None = None


def type_counts(
    counts: Counter[str], settings: FeedbackSettings, kinds: Callable[[], Iterable[EventKind]]
) -> dict[str, TypeCount]:
    """Return what each type that was counted is worth, the most frequent first.

    kinds -- what the journal holds; asked for only where there are ratings, whose scale is that of all of them
    """
    rewards = Rewards(settings)
    worths = {kind: rewards.worth_of(kind) for kind, _ in counts.most_common()}
    if any(worth.event_class is EventClass.RATING for worth in worths.values()):
        rewards = Rewards(settings, kinds())
    return {
        kind: TypeCount(counts[kind], str(worth.event_class or "unknown"), worth.reward, rewards.scales.get(kind))
        for kind, worth in worths.items()
    }
