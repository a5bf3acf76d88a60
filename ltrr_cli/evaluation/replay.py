"""Progressive replay of a real search log: answer, score, then learn - in a scratch copy, the workspace stays as it is.

The journal's own events and those of the log become one stream in time order, so that whatever was ingested before,
no search can see its own click or a later one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ltrr_cli.allocation.base import Lesson
from ltrr_cli.core.chance import seed_of
from ltrr_cli.core.clock import parse_span, parse_time
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.ingest import take_in
from ltrr_cli.engine.learn import COLD, outcomes
from ltrr_cli.engine.lessons import Asked, Teacher
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.reports import ReplayReport
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.engine.train import Observer, train_model
from ltrr_cli.engine.walk import walk
from ltrr_cli.evaluation.metrics import ClickMeasures

if TYPE_CHECKING:
    from ltrr_cli.engine.workspace import Workspace

CURVE_POINTS = 20
PAGE = 10


@dataclass(slots=True)
class _Stream:
    """What is to be replayed.

    numbered -- impression id -> query id, for the log's own searches
    clicked  -- impression id -> entities that were clicked in the end
    since_ms -- searches from here on are scored
    total    -- searches of the whole stream, the journal's included
    """

    numbered: dict[str, str]
    clicked: dict[str, list[str]] = field(default_factory=dict)
    since_ms: int = 0
    total: int = 0


def replay(
    workspace: Workspace,
    events: Sequence[str | Path],
    *,
    since: int | str | None = None,
    explore: bool = True,
    run: str | Path | None = None,
    learn_every: str = "1h",
    train_every: int = 5000,
    undated: bool = False,
    progress: Callable[[str, int, int | None], None] = lambda stage, done, total: None,
) -> ReplayReport:
    """Answer every search of a log as of its time, score it by what was clicked, then learn from it.

    since       -- score only searches at or after this moment (all are learnt from)
    explore     -- let the bandit explore, as it would when serving
    run         -- write the scored pages as a TREC run; query ids are ``s`` and the line number in time order
    learn_every -- span of the log's time after which the bandit learns (the memory learns at once)
    train_every -- searches between two trainings of the ranker; 0 never trains
    """
    start = perf_counter()
    with tempfile.TemporaryDirectory(prefix="ltrr-replay-") as scratch:
        journal = workspace.journal.copy_to(Path(scratch) / "journal.db")
        taken = take_in(journal, events, workspace.settings, undated=undated, progress=progress)
        searches = sorted(taken.searches, key=lambda item: (item[0], item[1]))
        if not searches:
            raise DataError("no search in this log", hint="replay needs search or impression lines")
        stream = _Stream({impression_id: f"s{place:06d}" for place, (_, _, impression_id) in enumerate(searches)})
        stream.since_ms = searches[0][0] if since is None else parse_time(since)
        past = list(outcomes(journal, workspace.settings))
        for outcome in past:
            if outcome.impression_id in stream.numbered and outcome.reward > 0:
                stream.clicked.setdefault(outcome.impression_id or "", []).append(outcome.entity_id)
        stream.total = journal.counts().impressions
        loop = workspace.open_loop(workspace.current(), learned=False)
        replayer = _Replayer(loop, stream, past, explore, parse_span(learn_every), train_every, progress)
        walk(loop, journal.impressions(), past, replayer.on_search, replayer.on_outcomes)
        journal.close()
    if run is not None:
        Path(run).write_text("".join(replayer.lines), "utf-8")
    return ReplayReport(
        searches=replayer.scores.searches,
        clicks=replayer.scores.clicks,
        measures=replayer.scores.means(),
        curve=tuple(replayer.curve),
        trained=replayer.trained,
        seconds=round(perf_counter() - start, 3),
    )


class _Replayer:
    """Answers, scores and trains on the way."""

    def __init__(
        self,
        loop: Loop,
        stream: _Stream,
        past: list[Outcome],
        explore: bool,
        learn_every_ms: int,
        train_every: int,
        progress: Callable[[str, int, int | None], None],
    ) -> None:
        self.loop, self.stream, self.explore = loop, stream, explore
        self.scores = ClickMeasures()
        self.curve: list[dict[str, float]] = []
        self.lines: list[str] = []
        self.trained = 0
        self._observer = Observer(loop)
        self._observer.expects(past)
        self._teacher = Teacher(loop)
        self._lessons: list[Lesson] = []
        self._learn_every_ms, self._train_every, self._progress = learn_every_ms, train_every, progress
        self._seen = self._since_training = 0
        self._learnt_ms: int | None = None
        self._started = False
        self._point = max(1, len(stream.clicked) // CURVE_POINTS)

    def on_search(self, search: Impression) -> None:
        """Answer as of the search's time; what it turns out to want only scores the page."""
        self._seen += 1
        moment = search.time_ms or 0
        scored = search.impression_id in self.stream.numbered and moment >= self.stream.since_ms
        self._learn_and_train(moment, scored)
        if not scored and self._seen <= COLD:
            return
        found = self._answer(search)
        self._observer.freeze(search, found)
        if self._observer.waits_for(search):
            self._teacher.keep(search, Asked(found.situation, found.hits))
        self._since_training += 1
        if scored:
            self._score(search, found)
        self._progress("searches", self._seen, self.stream.total)

    def on_outcomes(self, batch: Sequence[Outcome]) -> None:
        """Label what was frozen, and keep lessons for the bandit."""
        self._observer.on_outcomes(batch)
        self._lessons += self._teacher.lessons(batch)

    def _answer(self, search: Impression) -> Answer:
        budget = self.loop.settings.retrieval.budget
        seed = seed_of("replay", search.impression_id)
        context = context_of(search)
        return answer(self.loop, search.query, context, k=PAGE, budget=budget, seed=seed, explore=self.explore)

    def _score(self, search: Impression, found: Answer) -> None:
        clicked = self.stream.clicked.get(search.impression_id, [])
        page = [self.loop.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]
        query_id = self.stream.numbered[search.impression_id]
        self.lines += [f"{query_id} Q0 {entity} {rank} {1 / rank:.8f} ltrr\n" for rank, entity in enumerate(page, 1)]
        self.scores.add(page, clicked)
        if clicked and self.scores.searches % self._point == 0:
            self.curve.append({"searches": float(self.scores.searches), **self.scores.means()})

    def _learn_and_train(self, moment: int, scored: bool) -> None:
        observer = self._observer
        if self._learnt_ms is None or moment - self._learnt_ms >= self._learn_every_ms:
            self.loop.policy.learn(self._lessons)
            self._lessons.clear()
            self._learnt_ms = moment
        first_scored = scored and not self._started
        self._started |= scored
        due = self._train_every > 0 and (self._since_training >= self._train_every or first_scored)
        if due:
            self._since_training = 0
            observer.collector.keep_newest(self.loop.settings.ranking.sample)
            trained = train_model(observer.examples(), observer.schema, self.loop.settings.ranking.algorithm)
            if trained.model is not None and trained.better:
                self.loop.ranker = trained.model
                self.trained += 1
