"""What a training looks at: the newest searches, as they were answered.

Those that were served were kept when they were answered; those of an imported log are answered as of their time when a
training first needs them, going on from the nearest checkpoint, and kept too. So a training reads what is there, and
walks through no more of the past than what nobody has walked through yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.allocation.models.strategy_history import StrategyHistory
from ltrr_cli.allocation.policy import Policy
from ltrr_cli.core.counted import CountedDay
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import Impression, Profile
from ltrr_cli.engine.executor import LOCAL_EXECUTOR, Executor, Kernel
from ltrr_cli.engine.frozen_search import FrozenSearch, packed, unpacked
from ltrr_cli.engine.rerank import Reranker
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.feedback.attribution import Attributed
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.collector import Collector
from ltrr_cli.learning.fold import past_at
from ltrr_cli.learning.past_pieces import Step, folder_of_pieces
from ltrr_cli.learning.timeline import COLD, Happened, SearchStep, profiles, rewards_of, steps
from ltrr_cli.learning.train import Labelled, Observer, labelled, observe
from ltrr_cli.learning.walk_elsewhere import Walker, WalkTerms, cut
from ltrr_cli.ranking.model import Schema
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_frozen import SERVED, FrozenRow
from ltrr_cli.storage.journal_past import JournalGrowth, Position

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


class _AsOf(msgspec.Struct, frozen=True):
    """What a search was answered by as of a past time: ``FrozenRow.made_by``."""

    made_by: str
    marks: JournalGrowth


def past_searches(
    state: State, serving: Snapshot, progress: Progress, executor: Executor = LOCAL_EXECUTOR
) -> Labelled:
    """Return the newest searches that something rewarded came of, as they were answered.

    executor -- answers those that were not yet
    """
    journal, settings = state.journal, state.settings
    marks, rewards = journal.marks(), rewards_of(journal, settings)
    by = checkpoint.made_by(state, state.current().catalog, rewards)
    searches = _newest(journal, settings.ranking.sample)
    begin = None
    if searches and (first := next(iter(searches.values())).time_ms) is not None:
        begin = checkpoint.furthest(state, by, first)
    schema, collector = serving.schema(), Collector()
    past = past_at(checkpoint.folder_of(state, begin), settings, rewards)
    for one in past.happened(journal, counted=False):
        if isinstance(one, Attributed) and one.outcome.impression_id in searches:
            collector.note((one.outcome,))
    wanted = {name: search for name, search in searches.items() if name in collector.labels}
    kept = _kept(journal, by, wanted, schema)
    missing = [name for name in wanted if name not in kept]
    if missing:
        walk = _Walk(state, serving, rewards, begin, progress)
        if executor.elsewhere:
            kept |= walk.elsewhere(executor, {name: wanted[name] for name in missing}, collector.labels)
        else:
            kept |= {one.impression_id: one.part(collector.labels[one.impression_id]) for one in walk.here(missing)}
        made_by = msgspec.json.encode(_AsOf(by, marks)).decode()
        rows = [FrozenRow(name, made_by, packed(kept[name])) for name in missing if name in kept]
        if state.writable():
            journal.freeze(rows, settings.ranking.sample)
    collector.frozen = [kept[name] for name in wanted if name in kept]
    return labelled(collector, schema, {name: search.query for name, search in wanted.items()})


def _newest(journal: Journal, sample: int) -> dict[str, Impression]:
    """Return the newest searches by id, in time order, without the first of all, whose memory is cold."""
    total = journal.counts().impressions
    return {one.impression_id: one for one in journal.newest_impressions(min(sample, total - min(COLD, total // 4)))}


def _kept(journal: Journal, by: str, wanted: Mapping[str, Impression], schema: Schema) -> dict[str, FrozenSearch]:
    """Return what is kept of searches, and still holds."""
    found: dict[str, FrozenSearch] = {}
    walked: dict[str, list[FrozenSearch]] = {}
    for row in journal.frozen():
        search = wanted.get(row.impression_id)
        frozen = None if search is None else unpacked(row.search, search, schema)
        if frozen is None:
            continue
        if row.made_by == SERVED:
            found[row.impression_id] = frozen
        else:
            walked.setdefault(row.made_by, []).append(frozen)
    for made_by, those in walked.items():
        as_of = _as_of(made_by)
        if as_of is not None and as_of.made_by == by:
            found |= {one.impression_id: one for one in _unmoved(journal, as_of.marks, those)}
    return found


def _as_of(made_by: str) -> _AsOf | None:
    """Read ``FrozenRow.made_by``; None where it is damaged."""
    try:
        return msgspec.json.decode(made_by, type=_AsOf)
    except msgspec.MsgspecError:
        return None


def _unmoved(journal: Journal, marks: JournalGrowth, frozen: Sequence[FrozenSearch]) -> list[FrozenSearch]:
    """Return those before which nothing came since."""
    ordered = sorted(frozen, key=lambda one: one.time_ms)
    first = bisect_left(ordered, 1, key=lambda one: journal.reaches_back(marks, Position(one.time_ms)))
    return ordered[:first]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Which candidates a ranker will meet: those that what serves now lets in."""

    policy: Policy
    history: StrategyHistory


def _arranged(snapshot: Snapshot, candidates: _Candidates) -> Snapshot:
    # a reranker reads what a ranker has ordered, and is no feature
    return replace(snapshot, policy=candidates.policy, history=candidates.history, reranker=Reranker())


@dataclass(frozen=True, slots=True)
class _WalkPart:
    """A piece of the past, and what is kept of its searches: search -> candidates that something came of."""

    number: int
    wanted: Mapping[str, tuple[str, ...]]


def _open(terms: WalkTerms[_Candidates]) -> Walker[_Candidates]:
    return Walker(terms, _arranged)


def _answer(walker: Walker[_Candidates], part: _WalkPart) -> list[tuple[str, bytes]]:
    """Return what the journal keeps of each search of a piece."""

    def frozen(snapshot: Snapshot, search: Impression) -> tuple[str, bytes]:
        observer = Observer(snapshot)
        observer.expects([search.impression_id])
        observer.on_search(search)
        return search.impression_id, packed(observer.collector.frozen[0].part(part.wanted[search.impression_id]))

    return walker.answered(part.number, frozen)


PAST: Kernel[WalkTerms[_Candidates], Walker[_Candidates], _WalkPart, list[tuple[str, bytes]]] = Kernel(
    "answer past searches", _open, _answer
)


@dataclass(frozen=True, slots=True)
class _Walk:
    """The past from a checkpoint on, in which searches are answered as of their time."""

    state: State
    serving: Snapshot
    rewards: Rewards
    begin: checkpoint.Found | None
    progress: Progress

    def here(self, searches: Sequence[str]) -> list[FrozenSearch]:
        """Answer searches in this process."""
        folder, state = checkpoint.folder_of(self.state, self.begin), self.state
        catalog = state.generations.folder("catalog", state.current().catalog)
        opened = open_snapshot(state.settings, catalog, folder, serving=False, texts=state.texts(catalog))
        snapshot = _arranged(opened, _Candidates(self.serving.policy, self.serving.history))
        snapshot.meet(self._people())
        return observe(snapshot, self._happened(), searches, self.progress).collector.frozen

    def elsewhere(
        self, executor: Executor, searches: Mapping[str, Impression], labels: Mapping[str, Mapping[str, float]]
    ) -> dict[str, FrozenSearch]:
        """Let workers answer searches, and keep what is worth it; labels -- search -> entity -> gain."""
        state, schema, found = self.state, self.serving.schema(), dict[str, FrozenSearch]()
        with folder_of_pieces(state.home / checkpoint.CHECKPOINTS, executor) as pieces:
            parts = (
                _WalkPart(number, {name: tuple(labels[name]) for name in names})
                for number, names in cut(pieces.resolve(), self._steps(searches), self._people())
            )
            begin = checkpoint.folder_of(state, self.begin)
            terms = WalkTerms(
                state.settings,
                state.generations.folder("catalog", state.current().catalog).resolve(),
                None if begin is None else begin.resolve(),
                pieces.resolve(),
                _Candidates(self.serving.policy, self.serving.history),
            )
            for answered in executor.map(PAST, terms, parts):
                for name, data in answered:
                    frozen = unpacked(data, searches[name], schema)
                    if frozen is not None:
                        found[name] = frozen
                self.progress("searches", len(found), len(searches))
        return found

    def _people(self) -> list[Profile]:
        return profiles(self.state.journal, 0 if self.begin is None else self.begin.checkpoint.marks.profiles)

    def _happened(self) -> Iterator[Happened]:
        past = past_at(checkpoint.folder_of(self.state, self.begin), self.state.settings, self.rewards)
        return past.happened(self.state.journal, trailing=True)

    def _steps(self, searches: Mapping[str, Impression]) -> Iterator[Step]:
        """Yield what happened, and of searches these, in the steps in which it is learnt here."""
        some = (one for one in self._happened() if not isinstance(one, Impression) or one.impression_id in searches)
        for step in steps(some):
            if isinstance(step, CountedDay):
                yield step
            else:
                yield step.impression if isinstance(step, SearchStep) else step.outcomes
