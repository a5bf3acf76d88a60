"""Time as a generator: what to answer and what to learn, in the order in which it happened.

Learning, training, replay and all that looks back iterate over ``timeline``. What a search may know is only what
happened strictly before it: a click that fed its own feature would be a leak, and this is the one place that could
make it. Whoever iterates answers and learns; nothing is learnt here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from ltrr_cli.core.config import Settings
from ltrr_cli.core.types import Impression, Outcome, Profile
from ltrr_cli.feedback.attribution import Attributed, Attribution, Tally
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_past import BEFORE_ALL, Decoded, Position

BATCH = 4_096  # outcomes learnt at a time where no search stands between them
COLD = 1_000  # searches that only fill a memory; what they show misleads


@dataclass(frozen=True, slots=True)
class SearchStep:
    """A search to be answered: all that happened before it has been learnt, nothing else."""

    impression: Impression


@dataclass(frozen=True, slots=True)
class LearnStep:
    """Outcomes to be learnt, in (time, event id) order; ``pages`` are what they belong to, parallel."""

    outcomes: tuple[Outcome, ...]
    pages: tuple[Impression | None, ...]


def timeline(happened: Iterable[Impression | Attributed]) -> Iterator[SearchStep | LearnStep]:
    """Yield what to answer and what to learn; outcomes between two searches come in batches.

    happened -- in time order, a search before the outcomes of its very moment
    """
    batch: list[Attributed] = []
    for one in happened:
        if batch and (isinstance(one, Impression) or len(batch) == BATCH or _begins(batch[-1], one)):
            yield _learn(batch)
            batch = []
        if isinstance(one, Impression):
            yield SearchStep(one)
        else:
            batch.append(one)
    if batch:
        yield _learn(batch)


def _begins(last: Attributed, one: Attributed) -> bool:
    """Say whether an outcome is the first that has a time."""
    return last.outcome.time_ms == 0 != one.outcome.time_ms


def _learn(batch: list[Attributed]) -> LearnStep:
    return LearnStep(tuple(one.outcome for one in batch), tuple(one.page for one in batch))


class Past:
    """The past of a journal as somebody goes through it, and where they stand: attribution, guards, position.

    rewards      -- what events are worth
    tally, guard -- fresh ones, or as of ``position``
    position     -- the last event that was gone through; None: none was
    """

    def __init__(
        self,
        settings: Settings,
        rewards: Rewards,
        tally: Tally | None = None,
        guard: Guard | None = None,
        position: Position | None = None,
    ) -> None:
        self._settings, self.guard = settings.feedback, guard or Guard(settings.feedback, rewards)
        self.tally, self.position = tally or Tally(), position

    def happened(
        self, journal: Journal, until_ms: int | None = None, *, trailing: bool = False
    ) -> Iterator[Impression | Attributed]:
        """Yield searches and what events prove, in time order from the position on; undated ones come first.

        until_ms -- with all of this moment, and no further
        trailing -- also the searches after the last event, of which nothing came yet: they are not gone through
        """
        decoded, since, attribution = Decoded(), self.position, Attribution(self._settings, rewards=self.guard.rewards)
        attribution.tally = self.tally
        if since is not None:  # what was shown lately may still be acted on
            start = since.time_ms - attribution.window_ms - 1
            for shown in journal.impressions(after_ms=start, until_ms=since.time_ms):
                attribution.see(shown)
        after_ms = None if since is None else since.time_ms
        pages = journal.impressions(after_ms=after_ms, until_ms=until_ms, decoded=decoded)
        page: Impression | None = next(pages, None)
        for event, impression in journal.stream(since, until_ms, decoded):
            while page is not None and (page.time_ms is None or (event.time_ms or 0) >= page.time_ms):
                attribution.see(page)
                yield page
                page = next(pages, None)
            self.position = BEFORE_ALL if event.time_ms is None else Position(event.time_ms, event.event_id)
            self.tally.events += 1
            found = attribution.attributed(event, impression, self.guard.weight(event, impression))
            if found is not None:
                yield found
        if until_ms is not None:
            self.position = Position(until_ms)
        if page is not None and (trailing or until_ms is not None):
            yield page
            yield from pages


def happened(journal: Journal, settings: Settings, tally: Tally | None = None) -> Iterator[Impression | Attributed]:
    """Yield all searches of the journal and what every event proves, in time order; undated ones come first.

    tally -- a fresh one, for a caller who wants to know in the end what became of the events
    """
    return Past(settings, rewards_of(journal, settings), tally).happened(journal, trailing=True)


def rewards_of(journal: Journal, settings: Settings) -> Rewards:
    """Return what events are worth, ratings on the scale of all that the journal holds."""
    return Rewards(settings.feedback, journal.kinds())


def outcomes(journal: Journal, settings: Settings, tally: Tally | None = None) -> Iterator[Outcome]:
    """Yield what every event of the journal proves, in (time, event id) order."""
    return (one.outcome for one in happened(journal, settings, tally) if isinstance(one, Attributed))


def merged(searches: Iterable[Impression], outcomes: Iterable[Outcome]) -> Iterator[Impression | Attributed]:
    """Merge searches and outcomes, both in time order; an outcome at the very moment of a search comes after it."""
    waiting = iter(outcomes)
    head = next(waiting, None)
    for search in searches:
        while head is not None and head.time_ms < (search.time_ms or 0):
            yield Attributed(head)
            head = next(waiting, None)
        yield search
    if head is not None:
        yield Attributed(head)
        yield from map(Attributed, waiting)


def newest(happened: Iterable[Impression | Attributed], total: int, sample: int) -> Iterator[Impression | Attributed]:
    """Leave out all but the newest ``sample`` of ``total`` searches, and the first ones, whose memory is cold."""
    left_out = max(total - sample, min(COLD, total // 4))
    for one in happened:
        if isinstance(one, Impression) and left_out > 0:
            left_out -= 1
        else:
            yield one


def profiles(journal: Journal, since: int = 0) -> list[Profile]:
    """Return what a journal says of people; ``since`` -- after so many profiles."""
    decode = msgspec.json.Decoder(dict[str, str | float | tuple[str, ...]]).decode
    return [Profile(user, decode(attributes), time_ms) for user, attributes, time_ms in journal.said(since)]
