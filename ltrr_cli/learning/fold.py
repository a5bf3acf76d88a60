"""The fold: all events of the journal, in (time, event id) order, into a fresh learned generation.

Nothing is learnt incrementally from disk: the same set of events gives the same state, whatever files, batches or
order they came in.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ltrr_cli.engine.snapshot import LearnedHeader, Snapshot
from ltrr_cli.feedback.attribution import Tally
from ltrr_cli.feedback.guards import Guard, Suspect
from ltrr_cli.learning.credit import ImportedExamples, served_examples
from ltrr_cli.learning.timeline import Search, happened, newest, timeline
from ltrr_cli.storage.heap import trim_heap
from ltrr_cli.storage.journal import Journal

WORDLESS, MOST = 500, 0.2  # actions without a search that teach the bandit, about, and of all actions at most


def fold(snapshot: Snapshot, journal: Journal, folder: Path, catalog: int) -> tuple[Tally, list[Suspect]]:
    """Learn the whole journal into ``snapshot`` (fresh: nothing learnt yet) and write it into ``folder``.

    Returns what became of the events, and who acted abnormally often.
    """
    count = 0
    last: int | None = None
    settings, counts = snapshot.settings, journal.counts()
    tally, guard = Tally(), Guard(settings.feedback)
    teacher = ImportedExamples(snapshot, wordless=min(WORDLESS / max(counts.events, 1), MOST))
    snapshot.meet(journal)
    past = newest(happened(journal, settings, tally, guard), counts.impressions, settings.allocation.sample)
    for step in timeline(teacher.arranged(past)):
        if isinstance(step, Search):
            teacher.ask(step.impression)
            continue
        snapshot.learn(step.outcomes)
        count += len(step.outcomes)
        last = step.outcomes[-1].time_ms
        snapshot.teach([*teacher.examples(step.outcomes), *served_examples(snapshot, step)])
    snapshot.teach(teacher.undated(max(last or 0, snapshot.clock_ms)))
    for name, strategy in snapshot.strategies.items():
        trim_heap()  # what the batches left between all that was learnt, and copies that were written before
        (folder / name).mkdir()
        strategy.save(folder / name)
    (folder / "policy").mkdir()
    snapshot.save_bandit(folder / "policy")
    header = LearnedHeader(catalog, counts.events, count, last, journal.digest())
    (folder / "fold.json").write_bytes(msgspec.json.encode(header))
    return tally, guard.suspects()
