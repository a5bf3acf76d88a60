"""Progressive replay of a real search log: answer, score, then learn - in a scratch copy, the workspace stays as it is.

The journal's own events and those of the log become one stream in time order, so that whatever was ingested before,
no search can see its own click or a later one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.core.clock import parse_span, parse_time
from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.report import Report
from ltrr_cli.core.seeds import seed_of
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.executor import check_engine
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.metrics import ClickMeasures
from ltrr_cli.feedback.judgments import run_lines
from ltrr_cli.feedback.taken import Taken
from ltrr_cli.learning.credit import ImportedExamples, trace_of
from ltrr_cli.learning.ingest import take_in
from ltrr_cli.learning.timeline import COLD, SearchStep, merged, outcomes, profiles, timeline
from ltrr_cli.learning.train import Observer, acted_on, train_model
from ltrr_cli.storage.disk import write_atomic
from ltrr_cli.storage.journal import Journal

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

CURVE_POINTS = 20
PAGE = 10
YOUNG = 250  # searches before a first ranker is tried


@dataclass(frozen=True, slots=True)
class ReplayReport(Report):
    """A search log answered, scored and learnt from, in that order.

    measures  -- "MAP@5", "RR@10", "R@10", "nDCG@10" over the scored searches
    curve     -- the same over all that was scored so far, with their number as "searches"
    stretches -- the same between one point of the curve and the next
    """

    searches: int
    clicks: int
    measures: Mapping[str, float]
    curve: tuple[Mapping[str, float], ...]
    trained: int = 0  # how often a ranker was trained
    seconds: float = 0.0
    stretches: tuple[Mapping[str, float], ...] = ()


@dataclass(slots=True)
class _Stream:
    """What is to be replayed.

    lines    -- impression id -> the log's lines that asked this: (query id, what was acted on in the end)
    moments  -- impression id -> when it was asked; a search without a time gets its line number
    outcomes -- in time order, none before its own search
    since_ms -- searches from here on are scored
    total    -- searches of the whole stream, the journal's included
    """

    lines: dict[str, list[tuple[str, list[str]]]]
    moments: dict[str, int]
    outcomes: list[Outcome]
    since_ms: int
    total: int


def replay(
    state: State,
    events: Sequence[str | Path],
    *,
    since: int | str | None = None,
    explore: bool = True,
    run: str | Path | None = None,
    learn_every: str = "1h",
    train_every: int = 5000,
    undated: bool = False,
    engine: str | None = None,
    progress: Progress = quiet,
) -> ReplayReport:
    """Answer every search of a log as of its time, score it by what was clicked, then learn from it.

    since       -- score only searches at or after this moment (all are learnt from)
    explore     -- let the bandit explore, as it would when serving
    run         -- write the scored pages as a TREC run; query ids are ``s`` and the line number in time order
    learn_every -- span of the log's time after which the bandit learns (the memory learns at once)
    train_every -- searches between two trainings of the ranker, fewer while there were few; 0 never trains
    engine      -- changes nothing: the bandit and the ranker learn from every answer before the next
    """
    check_engine(engine or state.settings.engine)
    start = perf_counter()
    with tempfile.TemporaryDirectory(prefix="ltrr-replay-") as scratch:
        journal = state.journal.copy_to(Path(scratch) / "journal.db")
        taken = take_in(journal, events, state.settings, undated=undated, progress=progress)
        if not taken.searches:
            raise DataError("no search in this log", hint="replay needs search or impression lines")
        stream = _stream(journal, taken, state.settings, None if since is None else parse_time(since))
        snapshot = state.open_snapshot(state.current(), learned=False)
        snapshot.meet(profiles(journal))
        replayer = _Replayer(snapshot, stream, explore, parse_span(learn_every), train_every, progress)
        searches = _in_time(journal.impressions(), stream.moments)
        for step in timeline(merged(searches, stream.outcomes), snapshot.learn_counts):
            if isinstance(step, SearchStep):
                replayer.on_search(step.impression)
            else:
                snapshot.learn(step.outcomes)
                replayer.on_outcomes(step.outcomes)
        journal.close()
    if run is not None:
        write_atomic(Path(run), "".join(line for _, line in sorted(replayer.written)).encode())
    return replayer.report(perf_counter() - start)


def _in_time(searches: Iterable[Impression], moments: Mapping[str, int]) -> Iterable[Impression]:
    """Return searches with their moments, in order; the journal may have got undated ones in another order."""
    timed = (replace(search, time_ms=moments.get(search.impression_id, search.time_ms)) for search in searches)
    if min(moments.values()) > len(moments):  # none is a line number
        return timed
    return sorted(timed, key=lambda search: search.time_ms or 0)


def _stream(journal: Journal, taken: Taken, settings: Settings, since_ms: int | None) -> _Stream:
    ordered = sorted(taken.searches, key=lambda item: (item[0] is not None, item[0] or 0, item[1]))
    # no search may see its own click: clocks differ, and a click may claim to be earlier than its search
    floors = {
        event.event_id: impression.time_ms
        for event, impression in journal.stream()
        if impression is not None and impression.time_ms is not None and (event.time_ms or 0) < impression.time_ms
    }
    undated = {impression_id: line for time_ms, line, impression_id, _ in ordered if time_ms is None}
    past = []
    for outcome in outcomes(journal, settings):
        first = floors.get(outcome.event_id, undated.get(outcome.impression_id or "", outcome.time_ms))
        past.append(replace(outcome, time_ms=max(outcome.time_ms, first)))
    past.sort(key=lambda outcome: (outcome.time_ms, outcome.event_id))
    stream = _Stream({}, {}, past, 0, journal.counts().impressions)
    for place, (time_ms, line, impression_id, acted) in enumerate(ordered):
        stream.lines.setdefault(impression_id, []).append((f"s{place:06d}", list(acted)))
        stream.moments[impression_id] = line if time_ms is None else time_ms
    named = {(key, entity) for key, lines in stream.lines.items() for _, acted in lines for entity in acted}
    for outcome in past:  # actions that came in lines of their own
        key = (outcome.impression_id or "", outcome.entity_id)
        if key[0] in stream.lines and key not in named and outcome.reward > 0:
            stream.lines[key[0]][0][1].append(outcome.entity_id)
    stream.since_ms = min(stream.moments.values()) if since_ms is None else since_ms
    return stream


class _Replayer:
    """Answers, scores and trains on the way."""

    def __init__(
        self,
        snapshot: Snapshot,
        stream: _Stream,
        explore: bool,
        learn_every_ms: int,
        train_every: int,
        progress: Progress,
    ) -> None:
        self.snapshot, self.stream, self.explore = snapshot, stream, explore
        self.scores, self._stretch = ClickMeasures(), ClickMeasures()
        self.curve: list[dict[str, float]] = []
        self.stretches: list[dict[str, float]] = []
        self.written: list[tuple[tuple[str, int], str]] = []
        self.trained = 0
        self._ranker = snapshot.ranker
        self._observer = Observer(snapshot)
        self._observer.expects(acted_on(stream.outcomes))
        self._teacher = ImportedExamples(snapshot)
        self._lessons: list[BanditExample] = []
        self._learn_every_ms, self._train_every, self._progress = learn_every_ms, train_every, progress
        self._seen = self._since_training = 0
        self._learnt_ms: int | None = None
        self._started = False
        clicked = sum(bool(acted) for lines in stream.lines.values() for _, acted in lines)
        self._point = max(1, clicked // CURVE_POINTS)

    def on_search(self, search: Impression) -> None:
        """Answer as of the search's time; what it turns out to want only scores the page."""
        self._seen += 1
        moment = search.time_ms or 0
        scored = search.impression_id in self.stream.lines and moment >= self.stream.since_ms
        self._learn_and_train(moment, scored)
        if not scored and self._seen <= COLD:
            return
        found = self._answer(search)
        self._observer.freeze(search, found)
        if self._observer.waits_for(search):
            self._teacher.keep(search, trace_of(self.snapshot, found))
        self._since_training += 1
        if scored:
            self._score(search, found)
        self._progress("searches", self._seen, self.stream.total)

    def on_outcomes(self, batch: Sequence[Outcome]) -> None:
        """Label what was frozen, and keep examples for the bandit."""
        self._observer.on_outcomes(batch)
        self._lessons += self._teacher.examples(batch)

    def _answer(self, search: Impression) -> Answer:
        budget = self.snapshot.settings.retrieval.budget
        seed = seed_of("replay", search.impression_id)
        context = context_of(search)
        return answer(
            self.snapshot, search.query, context, k=PAGE, budget=budget, seed=seed, explore=self.explore,
            ranker=self._ranker,
        )  # fmt: skip

    def _score(self, search: Impression, found: Answer) -> None:
        page = [self.snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]
        for query_id, clicked in self.stream.lines[search.impression_id]:
            lines = run_lines(query_id, page)
            self.written += [((query_id, rank), line) for rank, line in enumerate(lines)]
            self.scores.add(page, clicked)
            self._stretch.add(page, clicked)
            if clicked and self.scores.searches % self._point == 0:
                self._mark()

    def _mark(self) -> None:
        searches = {"searches": float(self.scores.searches)}
        self.curve.append(searches | self.scores.means())
        self.stretches.append(searches | self._stretch.means())
        self._stretch = ClickMeasures()

    def report(self, seconds: float) -> ReplayReport:
        """Sum up."""
        if self._stretch.searches:
            self._mark()
        return ReplayReport(
            searches=self.scores.searches,
            clicks=self.scores.clicks,
            measures=self.scores.means(),
            curve=tuple(self.curve),
            trained=self.trained,
            seconds=round(seconds, 3),
            stretches=tuple(self.stretches),
        )

    def _learn_and_train(self, moment: int, scored: bool) -> None:
        observer = self._observer
        if self._learnt_ms is None or moment - self._learnt_ms >= self._learn_every_ms:
            self.snapshot.teach(self._lessons)
            self._lessons.clear()
            self._learnt_ms = moment
        first_scored = scored and not self._started
        self._started |= scored
        # a young system learns much from few searches: it trains each time that it has seen twice as many
        wait = min(self._train_every, max(YOUNG, self._seen // 2))
        due = self._train_every > 0 and (self._since_training >= wait or first_scored)
        if due:
            self._since_training = 0
            observer.collector.keep_newest(self.snapshot.settings.ranking.sample)
            trained = train_model(observer.labelled(), self.snapshot.settings.ranking.algorithm)
            if trained.model is not None and trained.better:
                self._ranker = trained.model
                self.trained += 1
