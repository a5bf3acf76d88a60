"""Does exploration pay? Some entities arrive in mid-stream, and everything learns within the simulation.

Newcomers have no popularity and no past. Two systems answer the same listeners, one with the strategies that explore
and one without; what is clicked is remembered at once. At intervals both are asked what only newcomers answer. Unlike
in ``simulate`` every search is retrieved anew, for what the memory knows depends on what was shown before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ltrr_cli.allocation.policy import BanditExample
from ltrr_cli.charts.sections import Chart, Series
from ltrr_cli.charts.svg import draw
from ltrr_cli.core.clock import MINUTE
from ltrr_cli.core.config import Settings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.report import Report
from ltrr_cli.core.seeds import generator, seed_of
from ltrr_cli.core.types import Context, Outcome
from ltrr_cli.engine.search import Answer, answer
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.evaluation.newcomers import DESCRIBED, described
from ltrr_cli.evaluation.simulated_users import EXAMINATION, SimulatedSearch, looks, wishes
from ltrr_cli.feedback.judgments import JudgedSet, read_judged
from ltrr_cli.indexing.build import EncoderChoice, build_generation
from ltrr_cli.learning.credit import trace_of
from ltrr_cli.learning.timeline import outcomes

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

EXPLORERS = ("fresh", "explore")
WITH, WITHOUT = "exploring", "not exploring"
PROBES = 150  # questions that want newcomers, a checkpoint
CHECKPOINTS = 4  # after the arrival
DRAWS = 20  # wishes looked at for a probe, at most: newcomers are wanted rarely


@dataclass(frozen=True, slots=True)
class Explored(Report):
    """One of the two systems.

    clicks -- share of the searches after the arrival with a click, mean over seeds
    recall -- share of the probes whose newcomer is a candidate, in the end; recalls -- the same per seed
    curve  -- (searches after the arrival, recall of the probes, clicks per search so far)
    """

    clicks: float
    recall: float
    recalls: tuple[float, ...]
    curve: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True, slots=True)
class ArrivalsReport(Report):
    """What exploring brought, and what it cost.

    gain -- recall of the probes in the end, exploring less not exploring
    cost -- share of the clicks that exploring lost meanwhile; below 0 where it gained some
    """

    arrived: int
    searches: int
    seeds: int
    budget: int
    systems: dict[str, Explored]
    gain: float
    cost: float
    seconds: float

    def picture(self) -> str:
        """Return the recall of newcomers over time as SVG."""
        series = tuple(
            Series(name, tuple((float(at), recall) for at, recall, _ in of.curve)) for name, of in self.systems.items()
        )
        says = f"Share of the questions for {self.arrived} newcomers that have them among {self.budget} candidates."
        return draw(Chart("Finding what is new", says, "searches since they came", "recall", series), 1)


def arrivals(
    state: State,
    *,
    queries: str | Path | None = None,
    qrels: str | Path | None = None,
    share: float = 0.05,
    before: int = 200,
    searches: int = 2_000,
    seeds: int = 1,
    budget: int | None = None,
    examination: float = EXAMINATION,
    known: str = "whole",
    progress: Progress = quiet,
) -> ArrivalsReport:
    """Let a share of the catalog arrive after ``before`` searches, and go on for ``searches``; changes nothing.

    queries, qrels -- judged queries (the wanted entity is drawn by grade); without: known items of the catalog
    budget         -- candidates, all of which stand on the page
    known          -- what the catalog says of newcomers, one of ``DESCRIBED``

    What the workspace learnt is known to both systems, but for what concerns newcomers. Raises UsageError for numbers
    out of range, DataError where nobody wants a newcomer.
    """
    start = perf_counter()
    budget = state.settings.retrieval.budget if budget is None else budget
    limits = (("searches", searches, 10**6), ("seeds", seeds, 100), ("budget", budget, 10_000))
    for name, number, largest in limits:
        if not 1 <= number <= largest:
            raise UsageError(f"{name} is {number}", hint=f"between 1 and {largest}")
    if known not in DESCRIBED:
        raise UsageError(f"newcomers are not known by {known[:60]!r}", hint=f"one of {', '.join(DESCRIBED)}")
    if not 0.0 < share <= 0.5:
        raise UsageError(f"arrivals are {share:g} of the catalog", hint="above 0, and .5 at most")
    snapshot = state.snapshot()
    judged = None if qrels is None else read_judged(queries, qrels, snapshot.clock_ms)
    lines: dict[str, list[_Course]] = {WITH: [], WITHOUT: []}
    count = max(1, round(share * len(snapshot.catalog)))
    for seed in range(seeds):
        scene = _Scene(state, snapshot, judged, seed, count, before, searches, budget, examination, known, progress)
        with tempfile.TemporaryDirectory(prefix="ltrr-arrivals-") as scratch:
            for name, course in scene.played(Path(scratch)).items():
                lines[name].append(course)
    systems = {name: _summed(courses, searches) for name, courses in lines.items()}
    most = systems[WITHOUT].clicks
    return ArrivalsReport(
        count, searches, seeds, budget, systems, systems[WITH].recall - systems[WITHOUT].recall,
        1.0 - systems[WITH].clicks / most if most else 0.0, round(perf_counter() - start, 3),
    )  # fmt: skip


@dataclass(slots=True)
class _Course:
    """Clicks after the arrival, search by search, and (searches, recall of the probes) at the checkpoints."""

    clicked: list[bool] = field(default_factory=list)
    recalls: list[tuple[int, float]] = field(default_factory=list)


@dataclass(slots=True)
class _Scene:
    """One stream, and both systems that answer it."""

    state: State
    snapshot: Snapshot
    judged: JudgedSet | None
    seed: int
    count: int
    before: int
    searches: int
    budget: int
    examination: float
    known: str
    progress: Progress

    def played(self, scratch: Path) -> dict[str, _Course]:
        """Build the catalog with its newcomers, and let both systems answer."""
        chance = generator("arrivals", self.seed)
        drawn = chance.choice(len(self.snapshot.catalog), self.count, replace=False).astype(np.int32)
        rows = frozenset(drawn.tolist())
        stream = wishes(self.snapshot, self.judged, self.before + self.searches, self.seed)
        probes = self._probes(rows)
        came = self.snapshot.clock_ms + self.before * MINUTE
        entities = list(described(self.snapshot.catalog.entities(), drawn, self.known, came))
        encoder = self.state.generations.open().catalog / "encoder"
        choice = EncoderChoice(self.snapshot.header.encoder, keep=encoder)
        build_generation(entities, scratch, self.state.settings, choice, self.progress)
        return {name: self._answered(name, scratch, rows, stream, probes) for name in (WITH, WITHOUT)}

    def _probes(self, newcomers: frozenset[int]) -> list[SimulatedSearch]:
        """Draw wishes for newcomers; those of the stream are others, though both may ask the same."""
        found: list[SimulatedSearch] = []
        for part in range(DRAWS):
            drawn = wishes(self.snapshot, self.judged, 20 * PROBES, seed_of("probes", self.seed, part))
            found += [wish for wish in drawn if wish.wanted in newcomers]
            if len(found) >= PROBES:
                break
        if not found:
            raise DataError("nobody wants what arrives", hint="judge more queries, or let more arrive")
        return found[:PROBES]

    def _answered(
        self,
        name: str,
        folder: Path,
        newcomers: frozenset[int],
        stream: Sequence[SimulatedSearch],
        probes: Sequence[SimulatedSearch],
    ) -> _Course:
        """Let one system answer the stream and learn from it."""
        snapshot = open_snapshot(_settings(self.state.settings, exploring=name == WITH), folder, None)
        hidden = frozenset(snapshot.catalog.ids[row] for row in newcomers)
        known = [
            outcome for outcome in outcomes(self.state.journal, self.state.settings) if outcome.entity_id not in hidden
        ]
        snapshot.learn(known)
        dice, course = generator("arrivals listeners", self.seed).random(len(stream)), _Course()
        marks = {round(part * self.searches / CHECKPOINTS) for part in range(CHECKPOINTS + 1)}
        for number, wish in enumerate(stream):
            since = number - self.before
            if since in marks:
                course.recalls.append((since, self._recall(snapshot, probes, number)))
            found = self._ask(snapshot, wish, number, hidden if since < 0 else frozenset(), explore=True)
            clicked = _listened(snapshot, found, wish, float(dice[number]), self.examination, number)
            if since >= 0:
                course.clicked.append(clicked)
            self.progress(f"seed {self.seed + 1}, {name}", number + 1, len(stream))
        course.recalls.append((self.searches, self._recall(snapshot, probes, len(stream))))
        return course

    def _ask(
        self, snapshot: Snapshot, wish: SimulatedSearch, number: int, hidden: frozenset[str], *, explore: bool
    ) -> Answer:
        context = Context(self.snapshot.clock_ms + number * MINUTE, user=wish.context.user)
        seed = seed_of("arrivals", self.seed, number)
        return answer(
            snapshot, wish.text, context, k=self.budget, budget=self.budget, seed=seed, explore=explore, hidden=hidden
        )

    def _recall(self, snapshot: Snapshot, probes: Sequence[SimulatedSearch], number: int) -> float:
        """Return the share of the probes whose newcomer is on the page."""
        pages = (
            self._ask(snapshot, wish, number + place, frozenset(), explore=False) for place, wish in enumerate(probes)
        )
        return float(np.mean([_position(found, wish) > 0 for found, wish in zip(pages, probes, strict=True)]))


def _settings(settings: Settings, *, exploring: bool) -> Settings:
    """Return the settings with the strategies that explore switched on, or off."""
    off = [name for name in settings.retrieval.off if name not in EXPLORERS]
    retrieval = msgspec.structs.replace(settings.retrieval, off=(*off, *(() if exploring else EXPLORERS)))
    return msgspec.structs.replace(settings, retrieval=retrieval)


def _position(found: Answer, wish: SimulatedSearch) -> int:
    """Return where on the page what is wanted stands, from 1; 0: nowhere."""
    place = np.flatnonzero(found.candidates.rows[found.page] == wish.wanted)
    return int(place[0]) + 1 if len(place) else 0


def _listened(
    snapshot: Snapshot, found: Answer, wish: SimulatedSearch, luck: float, examination: float, number: int
) -> bool:
    """Let the listener look, and everything learn from the click, if there is one."""
    position = _position(found, wish)
    if not position or luck >= (seen := looks(position, examination)):
        return False
    place = int(found.page[position - 1])
    ids = snapshot.catalog.ids
    page = tuple(ids[row] for row in found.candidates.rows[found.page].tolist())
    inclusion = float(found.candidates.inclusion[place])
    moment = found.request.context.time_ms
    outcome = Outcome(
        f"e{number}", moment, wish.text, ids[wish.wanted], 1.0, user=wish.context.user, impression_id=f"i{number}",
        position=position, inclusion=inclusion, exposure=float(found.odds[position - 1]), examination=seen,
        ranks=found.ranks_of(place), page=page,
    )  # fmt: skip
    example = trace_of(snapshot, found).example(wish.wanted, outcome)
    snapshot.learn([outcome])
    if example is not None:
        snapshot.teach([_weighed(example, inclusion * seen)])
    return True


def _weighed(example: BanditExample, odds: float) -> BanditExample:
    """Return the example weighed against having been shown and seen by luck."""
    return replace(example, weight=example.weight / max(odds, 1e-3))


def _summed(courses: Sequence[_Course], searches: int) -> Explored:
    clicked = np.array([course.clicked for course in courses], np.float64)  # (seeds, searches)
    marks = [at for at, _ in courses[0].recalls]
    recalls = np.array([[recall for _, recall in course.recalls] for course in courses])  # (seeds, marks)
    so_far = [float(clicked[:, :at].mean()) if at else 0.0 for at in marks]
    return Explored(
        clicks=float(clicked.mean()) if searches else 0.0,
        recall=float(recalls[:, -1].mean()),
        recalls=tuple(recalls[:, -1].tolist()),
        curve=tuple(zip(marks, recalls.mean(axis=0).tolist(), so_far, strict=True)),
    )
