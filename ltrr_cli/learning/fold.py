"""The fold: all events of the journal, in (time, event id) order, into a fresh learned generation.

Nothing is learnt incrementally from disk: the same set of events gives the same state, whatever files, batches or
order they came in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ltrr_cli.core.config import Settings
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.snapshot import LearnedHeader, Snapshot
from ltrr_cli.feedback.attribution import Attribution, Tally
from ltrr_cli.feedback.guards import Guard, Suspect
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.learning.credit import ImportedExamples, served_examples
from ltrr_cli.learning.timeline import walk
from ltrr_cli.storage.heap import trim_heap
from ltrr_cli.storage.journal import Journal

WORDLESS, MOST = 500, 0.2  # actions without a search that teach the bandit, about, and of all actions at most
COLD = 1_000  # searches that only fill a memory; what they show misleads


def outcomes(
    journal: Journal, settings: Settings, tally: Tally | None = None, guard: Guard | None = None
) -> Iterator[Outcome]:
    """Yield what every event of the journal proves, in (time, event id) order.

    tally, guard -- fresh ones, for a caller who wants to know in the end what became of the events, and who was busy
    """
    guard = guard or Guard(settings.feedback, Rewards(settings.feedback, journal.kinds()))
    attribution = Attribution(settings.feedback, rewards=guard.rewards)
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


def newest(journal: Journal, sample: int) -> Iterator[Impression]:
    """Yield the newest ``sample`` searches in time order, without the first ones, whose memory is cold."""
    total = journal.counts().impressions
    return journal.impressions(skip=max(total - sample, min(COLD, total // 4)))


def fold(snapshot: Snapshot, journal: Journal, folder: Path, catalog: int) -> tuple[Tally, list[Suspect]]:
    """Learn the whole journal into ``snapshot`` (fresh: nothing learnt yet) and write it into ``folder``.

    Returns what became of the events, and who acted abnormally often.
    """
    count = 0
    last: int | None = None
    tally, guard = Tally(), Guard(snapshot.settings.feedback, Rewards(snapshot.settings.feedback, journal.kinds()))
    teacher = ImportedExamples(snapshot, wordless=min(WORDLESS / max(journal.counts().events, 1), MOST))

    def noted(batch: Sequence[Outcome]) -> None:
        nonlocal count, last
        count += len(batch)
        last = batch[-1].time_ms
        snapshot.teach([*teacher.examples(batch), *served_examples(snapshot, journal, batch)])

    snapshot.meet(journal)
    searches = newest(journal, snapshot.settings.allocation.sample)
    past = teacher.arranged(outcomes(journal, snapshot.settings, tally, guard))
    walk(snapshot, searches, past, teacher.ask, noted, teacher.watch, teacher.teaches)
    snapshot.teach(teacher.undated(max(last or 0, snapshot.clock_ms)))
    for name, strategy in snapshot.strategies.items():
        trim_heap()  # what the batches left between all that was learnt, and copies that were written before
        (folder / name).mkdir()
        strategy.save(folder / name)
    (folder / "policy").mkdir()
    snapshot.save_bandit(folder / "policy")
    header = LearnedHeader(catalog, journal.counts().events, count, last, journal.digest())
    (folder / "fold.json").write_bytes(msgspec.json.encode(header))
    return tally, guard.suspects()
