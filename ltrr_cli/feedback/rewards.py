"""What one event is worth, -1..1: by the settings, else by what its name usually means, else nothing.

A rating is read on a scale: the one that the settings give for its type, else the one that all values of that type in
the journal fit (0..1, 1..5, 1..10, 0..100). The middle counts nothing, the ends 1 and -1.

``dwell`` counts min(1, seconds / 30), as a click with 30 seconds of reading is the usual sign of satisfaction (Fox et
al., TOIS 2005). Where the settings say that values of clicks are seconds (``dwell_seconds``), a shorter click is worth
what a skip is. Plays, money and the like have no unit that is comparable across logs; but a value below 0 turns what
is for an entity into what is against it (a sale of -1 is a return, a vote of -1 is no vote for it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event
from ltrr_cli.feedback.event_types import EventClass, event_type, folded_name
from ltrr_cli.storage.journal_kinds import EventKind

SATISFIED_SECONDS = 30.0
_TOPS = (1.0, 5.0, 10.0, 100.0)

Scale = tuple[float, float]


class KindWorth(NamedTuple):
    """What events of one type are worth before their values are looked at.

    event_class -- of the usual meaning of the name; None where it is unknown
    reward      -- -1..1; of a rating at the upper end of its scale
    stated      -- the settings give it
    """

    event_class: EventClass | None
    reward: float
    stated: bool

    @property
    def known(self) -> bool:
        """Say whether somebody, the settings or the table of usual names, says what it is worth."""
        return self.stated or self.event_class is not None


def scale_of(low: float, high: float, whole: bool) -> Scale:
    """Return the scale on which ratings were given, from the lowest and the highest of them.

    whole -- all are whole numbers. Nothing but ones, and nothing but whole numbers up to five, are stars of five.

    >>> scale_of(1, 4, True), scale_of(0.5, 5, False), scale_of(0, 1, True), scale_of(0.2, 0.9, False), scale_of(12, 80, True)
    ((1.0, 5.0), (0.5, 5.0), (0.0, 1.0), (0.0, 1.0), (0.0, 100.0))
    >>> scale_of(1, 1, True), scale_of(-1, 1, True), scale_of(3, 8, True)
    ((1.0, 5.0), (-1.0, 1.0), (1.0, 10.0))
    """  # noqa: E501
    top = next((top for top in _TOPS if max(high, -low) <= top), max(high, -low))
    if low < 0.0:
        return -top, top
    if top == 1.0 and whole and low == 1.0:
        top = 5.0
    bottom = 0.0 if top in (1.0, 100.0) or top > 100.0 else 1.0
    return (bottom if low >= bottom else 0.5 if low >= 0.5 else 0.0), top


class Rewards:
    """What events are worth, under given settings and scales; types are looked up once.

    kinds -- how often each type stands in the journal, and the range of its values: where ratings get their scale from
    """

    def __init__(self, settings: FeedbackSettings, kinds: Iterable[EventKind] = ()) -> None:
        self._settings = settings
        self._stated = {folded_name(kind): worth for kind, worth in settings.rewards.items()}
        self._worths: dict[str, KindWorth] = {}
        stated = {folded_name(kind): scale for kind, scale in settings.rating_scales.items()}
        for kind, (low, high) in settings.rating_scales.items():
            if low >= high:
                raise DataError(
                    f"feedback.rating_scales: {kind} goes from {low:g} to {high:g}", hint=f"{kind} = [1, 5]"
                )
        self.scales: Mapping[str, Scale] = {
            kind.name: stated.get(folded_name(kind.name)) or scale_of(kind.low, kind.high, kind.whole)
            for kind in kinds
            if kind.low is not None and kind.high is not None and self._is_rating(kind.name)
        }
        self._all_scales = stated

    def worth_of(self, kind: str) -> KindWorth:
        """Return what events of a type are worth."""
        found = self._worths.get(kind)
        if found is None:
            found = self._worths[kind] = self._look_up(kind)
        return found

    def of(self, event: Event) -> float:
        """Return what an event is worth, -1..1.

        >>> half = Event("e", "dwell", 0, "a", value=15.0)
        >>> Rewards(FeedbackSettings(rewards={"dwell": 1.0})).of(half)
        0.5
        >>> Rewards(FeedbackSettings()).of(Event("e", "rating", 0, "a", value=1.0))
        -1.0
        """
        kind, value = event.kind, event.value
        if value is None:
            worth = self.worth_of(kind)
            return 0.0 if worth.event_class is EventClass.RATING and not worth.stated else worth.reward
        if kind == "click" and value < self._settings.dwell_seconds:
            kind = "skip"
        worth = self.worth_of(kind)
        if kind == "dwell":
            return worth.reward * min(1.0, max(0.0, value) / SATISFIED_SECONDS)
        if worth.event_class is EventClass.RATING:
            low, high = self.scale(kind, value)
            return worth.reward * max(-1.0, min(1.0, (2.0 * value - low - high) / (high - low)))
        return -worth.reward if value < 0.0 < worth.reward else worth.reward

    def scale(self, kind: str, value: float) -> Scale:
        """Return the scale of a rating; one that the journal has none of is judged by its value alone."""
        return (
            self.scales.get(kind) or self._all_scales.get(folded_name(kind)) or scale_of(value, value, value % 1 == 0.0)
        )

    def says_something(self, event: Event) -> bool:
        """Say whether an event tells that somebody did something with the entity: it was rated, or counts at all."""
        return self.is_rating(event) or self.of(event) != 0.0

    def is_rating(self, event: Event) -> bool:
        """Say whether an event's value is a point on a scale, and so no amount."""
        return event.value is not None and self._is_rating(event.kind)

    def _is_rating(self, kind: str) -> bool:
        return self.worth_of(kind).event_class is EventClass.RATING

    def _look_up(self, kind: str) -> KindWorth:
        meant = event_type(kind)
        event_class = None if meant is None else meant.event_class
        stated = self._settings.rewards.get(kind)
        if stated is None:
            stated = self._stated.get(folded_name(kind))
        if stated is not None:
            return KindWorth(event_class, max(-1.0, min(1.0, stated)), True)
        reward = self._settings.default_reward if meant is None else meant.reward
        return KindWorth(event_class, max(-1.0, min(1.0, reward)), False)
