"""Time as a generator: what to answer and what to learn, in the order in which it happened.

Learning, training, replay and all that looks back iterate over ``timeline`` or its ``steps``. What a search may know is
only what happened strictly before it: a click that fed its own feature would be a leak, and this is the one place that
could make it. Whoever iterates answers and learns; ``timeline`` hands counted days to a function of theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from ltrr_cli.core.config import Settings
from ltrr_cli.core.counted import CountedDay, end_of
from ltrr_cli.core.types import Impression, Outcome, Profile
from ltrr_cli.feedback.attribution import Attributed, Attribution, Tally
from ltrr_cli.feedback.counted_day import CountWeights
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_past import BEFORE_ALL, Decoded, Position

Happened = Impression | Attributed | CountedDay

BATCH = 4_096  # outcomes learnt at a time where no search stands between them
NEVER_MS = 2**62
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


def timeline(
    happened: Iterable[Happened], learn_counts: Callable[[CountedDay], None]
) -> Iterator[SearchStep | LearnStep]:
    """Yield what to answer and what to learn, as ``steps`` does, but for counted days.

    learn_counts -- is given each counted day in its turn: all that happened on it has been learnt
    """
    for step in steps(happened):
        if isinstance(step, CountedDay):
            learn_counts(step)
        else:
            yield step


def steps(happened: Iterable[Happened]) -> Iterator[SearchStep | LearnStep | CountedDay]:
    """Yield what to answer and what to learn; outcomes between two searches come in batches.

    happened -- in time order, a search before the outcomes of its very moment
    """
    batch: list[Attributed] = []
    for one in happened:
        if batch and (not isinstance(one, Attributed) or len(batch) == BATCH or _begins(batch[-1], one)):
            yield _learn(batch)
            batch = []
        if isinstance(one, Impression):
            yield SearchStep(one)
        elif isinstance(one, CountedDay):
            yield one
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
        self, journal: Journal, until_ms: int | None = None, *, trailing: bool = False, counted: bool = True
    ) -> Iterator[Happened]:
        """Yield searches, what events prove and what was counted, in time order from the position on; undated first.

        A day's counts come after all else of that day.

        until_ms -- with all of this moment, and no further
        trailing -- also the searches after the last event, of which nothing came yet: they are not gone through
        counted  -- daily counts, too
        """
        decoded, since, attribution = Decoded(), self.position, Attribution(self._settings, rewards=self.guard.rewards)
        attribution.tally = self.tally
        if since is not None:  # what was shown lately may still be acted on
            start = since.time_ms - attribution.window_ms - 1
            for shown in journal.impressions(after_ms=start, until_ms=since.time_ms):
                attribution.see(shown)
        after_ms = None if since is None else since.time_ms
        pages = journal.impressions(after_ms=after_ms, until_ms=until_ms, decoded=decoded)
        counts = CountWeights(self.guard.rewards, journal.count_texts)
        days = _days(journal, since, until_ms) if counted else ()
        earlier = _PagesAndDays(pages, days)

        def come(found: Iterable[Impression | int]) -> Iterator[Happened]:
            for one in found:
                if isinstance(one, Impression):
                    attribution.see(one)
                    yield one
                else:
                    day = counts.of(journal.day_counts(one))
                    self.position, self.tally.counted = Position(day.time_ms), self.tally.counted + day.rows
                    yield day

        for event, impression in journal.stream(since, until_ms, decoded):
            yield from come(earlier.until(event.time_ms))
            self.position = BEFORE_ALL if event.time_ms is None else Position(event.time_ms, event.event_id)
            self.tally.events += 1
            found = attribution.attributed(event, impression, self.guard.weight(event, impression))
            if found is not None:
                yield found
        yield from come(earlier.counted())
        if until_ms is not None:
            self.position = Position(until_ms)
        if trailing or until_ms is not None:
            yield from earlier.pages()


def _days(journal: Journal, since: Position | None, until_ms: int | None) -> list[int]:
    """Return the counted days of a journal after a position."""
    if since is None:
        return journal.counted_days(None, until_ms)
    # with the last event of a moment alone, the counts of a day that ends then are to come
    return journal.counted_days(since.time_ms - (since.event_id is not None), until_ms)


class _PagesAndDays:
    """Pages in time order, undated ones first, and counted days, ascending; a day comes after all of its pages."""

    def __init__(self, pages: Iterator[Impression], days: Iterable[int]) -> None:
        self._pages, self._days = pages, deque(days)
        self._page = next(pages, None)

    def until(self, time_ms: int | None) -> Iterator[Impression | int]:
        """Yield what comes before an event of a moment: days that ended before it, and its own moment's pages."""
        last = time_ms or 0
        while True:
            page_ms = NEVER_MS if self._page is None else self._page.time_ms
            if time_ms is not None and self._days and end_of(self._days[0]) < min(last, page_ms or 0):
                yield self._days.popleft()
            elif self._page is not None and (page_ms is None or page_ms <= last):
                yield self._turn(self._page)
            else:
                return

    def counted(self) -> Iterator[Impression | int]:
        """Yield the days that are left, and the pages before them."""
        while self._days:
            yield from self.until(end_of(self._days[0]))
            yield self._days.popleft()

    def pages(self) -> Iterator[Impression]:
        """Yield the pages that are left."""
        while self._page is not None:
            yield self._turn(self._page)

    def _turn(self, page: Impression) -> Impression:
        self._page = next(self._pages, None)
        return page


def happened(journal: Journal, settings: Settings, tally: Tally | None = None) -> Iterator[Happened]:
    """Yield all searches of the journal, what every event proves and what was counted, in time order, undated first.

    tally -- a fresh one, for a caller who wants to know in the end what became of the events
    """
    return Past(settings, rewards_of(journal, settings), tally).happened(journal, trailing=True)


def rewards_of(journal: Journal, settings: Settings) -> Rewards:
    """Return what events are worth, ratings on the scale of all that the journal holds."""
    return Rewards(settings.feedback, journal.kinds())


def outcomes(journal: Journal, settings: Settings, tally: Tally | None = None) -> Iterator[Outcome]:
    """Yield what every event of the journal proves, in (time, event id) order."""
    past = Past(settings, rewards_of(journal, settings), tally).happened(journal, trailing=True, counted=False)
    return (one.outcome for one in past if isinstance(one, Attributed))


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


def profiles(journal: Journal, since: int = 0) -> list[Profile]:
    """Return what a journal says of people; ``since`` -- after so many profiles."""
    decode = msgspec.json.Decoder(dict[str, str | float | tuple[str, ...]]).decode
    return [Profile(user, decode(attributes), time_ms) for user, attributes, time_ms in journal.said(since)]
