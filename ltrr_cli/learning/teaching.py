"""Which imported searches, and which actions without a search, teach the bandit while a journal is folded.

To ask all of them would cost a retrieval each. So a share is asked, which depends on what came before alone: the more
have been, the smaller it is, so that a log of any length costs some hundred; and it never falls below a pace by
time, so that a log that goes on for years still teaches what has changed. What comes later changes nothing.

Who acts without having searched (plays, follows, buys) would have been served without a query. So some of these are
asked for like that, and teach who finds what somebody known wants next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.bandit_context import bandit_context_of
from ltrr_cli.engine.retrieve import retrieve
from ltrr_cli.engine.search import context_of
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.feedback.attribution import Attributed, longest_window
from ltrr_cli.learning.credit import ImportedExamples, SearchTrace, asked_trace, served_example
from ltrr_cli.learning.timeline import Happened, LearnStep
from ltrr_cli.text.normalise import query_key

YOUNG = 4  # the n-th search teaches with odds (sample / 4) / (sample / 4 + n): ``sample`` of the first 5,400
STEADY = 8  # and with no less than a pace of an eighth of ``sample`` in a half-life of the bandit
WORDLESS, MOST = 0.5, 0.2  # actions without a search: half as many, and at most a fifth of them
FILE = "teaching.msgpack"


class Share(msgspec.Struct):
    """How many of a stream teach: falling as they come, never below a pace.

    first -- about as many of the first; pace -- in a millisecond; most -- odds of one, at most
    seen, last_ms -- how many there were, and when the last
    """

    first: float
    pace: float
    most: float = 1.0
    seen: int = 0
    last_ms: int = 0

    def takes(self, name: str, time_ms: int) -> bool:
        """Say whether the next one teaches; ``name`` is what chance goes by."""
        falling = self.first / (self.first + self.seen) if self.first > 0.0 else 0.0
        since = max(time_ms - self.last_ms, 0) if self.last_ms > 0 else 0
        self.seen, self.last_ms = self.seen + 1, max(self.last_ms, time_ms)
        return seed_of("teaches", name) < min(max(falling, self.pace * since), self.most) * 2**63


def shares_of(settings: AllocationSettings) -> tuple[Share, Share]:
    """Return the shares of searches, and of actions without one."""
    pace = settings.sample / STEADY / (settings.half_life_days * DAY)
    first = settings.sample / YOUNG
    return Share(first, pace), Share(WORDLESS * first, WORDLESS * pace, MOST)


class _Trace(msgspec.Struct, array_like=True):
    name: str
    time_ms: int
    strategies: tuple[str, ...]
    budget: int
    features: bytes
    past: bytes | None
    rows: list[bytes]
    shapes: bytes
    absent: list[str] = []


class _Stored(msgspec.Struct, array_like=True):
    searches: Share
    wordless: Share
    waiting: list[_Trace]


class Teacher:
    """Chooses what teaches, asks, and teaches the bandit of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.searches, self.wordless = shares_of(snapshot.settings.allocation)
        self._imported = ImportedExamples(snapshot)
        self._undated: list[BanditExample] = []

    # ------------------------------------------------------------ choosing

    def chosen(self, happened: Iterable[Happened]) -> Iterator[Happened]:
        """Yield outcomes, and the searches that are to be asked: of those there were, and before actions without one.

        Of actions without a time, which have no order, those that teach come last: they are asked for when the rest
        is known, for a person's actions often stand together in such logs.
        """
        held: list[Attributed] = []
        for one in happened:
            if isinstance(one, CountedDay):  # of many searches, none of which is known
                yield one
                continue
            dated = (one.time_ms if isinstance(one, Impression) else one.outcome.time_ms) or 0
            if dated and held:
                yield from _asked(held)
                held = []
            if isinstance(one, Impression):
                if one.origin == "imported" and self.searches.takes(one.impression_id, dated):
                    yield one
            elif not (_without_search(one.outcome) and self.wordless.takes(one.outcome.event_id, dated)):
                yield one
            elif dated:
                yield from _asked([one])
            else:
                held.append(one)
        yield from _asked(held)

    def ask(self, search: Impression) -> None:
        """Let every strategy answer a search as of its time."""
        self._imported.keep(search, asked(self.snapshot, search))

    def take(self, search: Impression, trace: SearchTrace) -> None:
        """Take what ``asked`` found elsewhere, where nobody knows what the bandit has learnt."""
        context = trace.bandit_context
        features = dict(zip(self.snapshot.features(), context.features.tolist(), strict=True))
        known = replace(context, past=self.snapshot.history.of(context.strategies, features))
        self._imported.keep(search, replace(trace, bandit_context=known))

    def waits_for(self) -> set[str]:
        """Return what searches that were asked are called by their outcomes: impressions, and events without one."""
        return set(self._imported.waiting)

    # ------------------------------------------------------------ teaching

    def teach(self, step: LearnStep) -> None:
        """Teach what outcomes prove, in their order; actions without a time teach when all of these are known."""
        if step.outcomes[0].time_ms:
            self.end_undated()
        examples: list[BanditExample] = []
        for outcome, page in zip(step.outcomes, step.pages, strict=True):
            example = self._imported.example(outcome) or served_example(self.snapshot, outcome, page)
            if example is not None:
                apart = not outcome.time_ms and outcome.impression_id is None
                (self._undated if apart else examples).append(example)
        self.snapshot.teach(examples)

    def end_undated(self) -> None:
        """Teach what actions without a time prove: no more is to come that has none."""
        self.snapshot.teach(self._undated)
        self._undated = []
        waiting = self._imported.waiting
        self._imported.waiting = {name: trace for name, trace in waiting.items() if trace.bandit_context.time_ms}

    # ------------------------------------------------------------ disk

    def shares(self) -> tuple[Share, Share]:
        """Return how many teach, as of now."""
        return copy(self.searches), copy(self.wordless)

    def save(self, folder: Path, now_ms: int, shares: tuple[Share, Share] | None = None) -> None:
        """Write all that is needed to go on; searches that nothing can come of any more are left out.

        shares -- as of the moment, where more was chosen since
        """
        over = now_ms - longest_window(self.snapshot.settings.feedback)
        waiting = [
            _stored(name, trace)
            for name, trace in self._imported.waiting.items()
            if trace.bandit_context.time_ms >= over
        ]
        stored = _Stored(*(shares or self.shares()), waiting)
        (folder / FILE).write_bytes(msgspec.msgpack.encode(stored))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""
        stored = msgspec.msgpack.decode((folder / FILE).read_bytes(), type=_Stored)
        self.searches, self.wordless = stored.searches, stored.wordless
        self._imported.waiting = {one.name: _trace(one) for one in stored.waiting}


def asked(snapshot: Snapshot, search: Impression) -> SearchTrace:
    """Return what every strategy brings for a search, as of what was learnt."""
    budget = snapshot.settings.retrieval.budget
    request = snapshot.request(search.query, context_of(search), 0)
    bandit_context = bandit_context_of(snapshot, request, snapshot.enabled(), budget, explore=False)
    hits = retrieve(snapshot, request, bandit_context.strategies, budget)
    return asked_trace(snapshot, bandit_context, hits)


def _without_search(outcome: Outcome) -> bool:
    """Say whether somebody known wanted something without having searched for it."""
    known = outcome.user is not None or outcome.session is not None
    return outcome.impression_id is None and outcome.reward > 0 and known and not query_key(outcome.query)


def _asked(acts: Iterable[Attributed]) -> Iterator[Impression | Attributed]:
    """Yield before each action the search without a query that it stands for."""
    for act in acts:
        outcome = act.outcome
        yield Impression(outcome.event_id, outcome.time_ms, "", "imported", outcome.user, outcome.session)
        yield act


def _stored(name: str, trace: SearchTrace) -> _Trace:
    context = trace.bandit_context
    return _Trace(
        name, context.time_ms, context.strategies, context.budget, context.features.astype("<f4").tobytes(),
        None if context.past is None else context.past.astype("<f4").tobytes(),
        [rows.astype("<i4").tobytes() for rows in trace.rows], trace.shapes.astype("<f4").tobytes(),
        sorted(context.absent),
    )  # fmt: skip


def _trace(stored: _Trace) -> SearchTrace:
    count = len(stored.strategies)
    past = None if stored.past is None else np.frombuffer(stored.past, "<f4").reshape(count, -1)
    context = BanditContext(
        stored.strategies, stored.budget, np.frombuffer(stored.features, "<f4"), stored.time_ms, explore=False,
        past=past, absent=frozenset(stored.absent),
    )  # fmt: skip
    rows = tuple(np.frombuffer(each, "<i4") for each in stored.rows)
    return SearchTrace(context, rows, np.frombuffer(stored.shapes, "<f4").reshape(count, -1))
