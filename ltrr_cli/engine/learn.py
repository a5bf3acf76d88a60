"""The fold: all events of the journal, in (time, event id) order, into a fresh learned generation.

Nothing is learnt incrementally from disk: the same set of events gives the same state, whatever files, batches or
order they came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from ltrr_cli.allocation.base import Lesson, Situation
from ltrr_cli.core.config import Settings
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.loop import LearnedHeader, Loop
from ltrr_cli.engine.walk import walk
from ltrr_cli.feedback.attribution import Attribution, Tally
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.storage.journal import Journal


def outcomes(journal: Journal, settings: Settings, tally: Tally | None = None) -> Iterator[Outcome]:
    """Yield what every event of the journal proves, in (time, event id) order; ``tally`` is filled in the end."""
    attribution, guard = Attribution(settings.feedback), Guard(settings.feedback)
    if tally is not None:
        attribution.tally = tally
    pages = journal.impressions()
    page = next(pages, None)
    for event, impression in journal.stream():
        while page is not None and (page.time_ms is None or (event.time_ms or 0) >= page.time_ms):
            attribution.see(page)
            page = next(pages, None)
        outcome = attribution.outcome(event, impression, guard.weight(event, impression))
        if outcome is not None:
            yield outcome


def fold(loop: Loop, journal: Journal, folder: Path, catalog: int) -> Tally:
    """Learn the whole journal into ``loop`` (fresh: nothing learnt yet) and write it into ``folder``."""
    count = 0
    last: int | None = None
    tally = Tally()

    def noted(batch: Sequence[Outcome]) -> None:
        nonlocal count, last
        count += len(batch)
        last = batch[-1].time_ms
        loop.policy.learn([lesson for outcome in batch if (lesson := live_lesson(loop, journal, outcome)) is not None])

    walk(loop, (), outcomes(journal, loop.settings, tally), on_outcomes=noted)
    for name, strategy in loop.strategies.items():
        (folder / name).mkdir()
        strategy.save(folder / name)
    (folder / "policy").mkdir()
    loop.policy.save(folder / "policy")
    header = LearnedHeader(catalog, journal.counts().events, count, last, journal.digest())
    (folder / "fold.json").write_bytes(msgspec.json.encode(header))
    return tally


def live_lesson(loop: Loop, journal: Journal, outcome: Outcome) -> Lesson | None:
    """Return what a rewarded entity of a page that ltrr served teaches the bandit; None for anything else."""
    if outcome.imported or outcome.impression_id is None or not outcome.ranks or outcome.reward <= 0:
        return None
    impression = journal.impression(outcome.impression_id)
    situation = situation_as_served(loop, impression)
    if situation is None:
        return None
    ranks = np.array([outcome.ranks.get(name, 0) for name in situation.strategies], np.int32)
    depths = np.full(len(ranks), situation.budget, np.int32)
    weight = outcome.weight / max(outcome.inclusion * outcome.examination, 1e-3)
    return Lesson(situation, ranks, depths, weight, outcome.reward)


def situation_as_served(loop: Loop, impression: Impression | None) -> Situation | None:
    """Rebuild what the bandit saw; None where the impression does not say."""
    if impression is None or impression.situation is None or impression.plan is None:
        return None
    draws = impression.plan.draws
    return Situation(tuple(draws), sum(draws.values()), impression.situation, impression.time_ms or 0)
