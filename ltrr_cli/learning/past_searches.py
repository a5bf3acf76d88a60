"""What a training looks at: the newest searches, as they were answered.

Those that were served were kept when they were answered; those of an imported log are answered as of their time when a
training first needs them, going on from the nearest checkpoint, and kept too. So a training reads what is there, and
walks through no more of the past than what nobody has walked through yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import Impression
from ltrr_cli.engine.frozen_search import FrozenSearch, packed, unpacked
from ltrr_cli.engine.rerank import Reranker
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.feedback.attribution import Attributed
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.learning import checkpoint
from ltrr_cli.learning.collector import Collector
from ltrr_cli.learning.fold import past_at
from ltrr_cli.learning.timeline import COLD, profiles, rewards_of
from ltrr_cli.learning.train import Labelled, labelled, observe
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


def past_searches(state: State, serving: Snapshot, progress: Progress) -> Labelled:
    """Return the newest searches that something rewarded came of, as they were answered."""
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
        for frozen in _walked(state, serving, rewards, begin, missing, progress):
            kept[frozen.impression_id] = frozen.part(collector.labels[frozen.impression_id])
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


def _walked(
    state: State,
    serving: Snapshot,
    rewards: Rewards,
    begin: checkpoint.Found | None,
    searches: Sequence[str],
    progress: Progress,
) -> list[FrozenSearch]:
    """Answer searches as of their time, going on from a checkpoint."""
    folder = checkpoint.folder_of(state, begin)
    catalog = state.generations.folder("catalog", state.current().catalog)
    snapshot = replace(
        open_snapshot(state.settings, catalog, folder, serving=False, texts=state.texts(catalog)),
        # the candidates that a ranker will meet are those that this policy lets in
        policy=serving.policy,
        history=serving.history,
        reranker=Reranker(),  # it reads what a ranker has ordered, and is no feature
    )
    snapshot.meet(profiles(state.journal, 0 if begin is None else begin.checkpoint.marks.profiles))
    happened = past_at(folder, state.settings, rewards).happened(state.journal, trailing=True)
    return observe(snapshot, happened, searches, progress).collector.frozen
