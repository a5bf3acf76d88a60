"""Training: freeze what the system knew at each of the newest searches, fit, and promote only what is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ltrr_cli.allocation.base import Lesson
from ltrr_cli.core.types import Context, Impression, Outcome
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.search import Answer, answer
from ltrr_cli.engine.walk import Collector, freeze, lesson, walk
from ltrr_cli.ranking.base import Examples, Model, Schema
from ltrr_cli.ranking.fit import fit, part
from ltrr_cli.ranking.judge import compare
from ltrr_cli.storage.journal import Journal

HELD_OUT = 0.2  # newest share of the searches: what a new model must win on
FEWEST = 50  # searches with a rewarded candidate, below which nothing is trained
COLD = 1_000  # searches that only fill a memory; what they show of ranking misleads


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model and how it did on the newest searches, beside what serves.

    measures -- "trained", "serving" (and "ranker", one that serves already) -> measure -> value
    """

    model: Model | None
    algorithm: str
    better: bool
    searches: int
    reason: str
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def context_of(search: Impression) -> Context:
    """Return the context in which a logged search was asked."""
    return Context(
        time_ms=search.time_ms or 0,
        user=search.user,
        session=search.session,
        locale=search.context.get("locale"),
        extra=search.context,
    )


def newest(searches: Iterable[Impression], total: int, sample: int) -> Iterator[Impression]:
    """Skip the first searches of a cold memory, and all but the newest ``sample``."""
    skipped = max(total - sample, min(COLD, total // 4))
    return islice(iter(searches), skipped, None)


class Observer:
    """Answers searches of a walk as of their time, and keeps what training needs."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.collector = Collector()
        self.schema = Schema(())
        self.lessons: list[Lesson] = []
        self._wanted: dict[str, list[str]] = {}
        self._answers: dict[str, Answer] = {}

    def expects(self, outcomes: Iterable[Outcome]) -> None:
        """Say beforehand which entities each search will turn out to want: only so that their lines are kept."""
        for outcome in outcomes:
            if outcome.impression_id is not None and outcome.reward > 0:
                self._wanted.setdefault(outcome.impression_id, []).append(outcome.entity_id)

    def on_search(self, search: Impression) -> None:
        """Answer and freeze one search."""
        if search.impression_id in self._wanted:
            self.freeze(search, self.answer(search))

    def freeze(self, search: Impression, found: Answer) -> None:
        """Keep what was known when a search was answered, if anything will label it."""
        wanted = self._wanted.get(search.impression_id)
        if wanted is not None:
            self.schema = found.schema
            self.collector.frozen.append(freeze(self.loop, search, found, wanted))
            if search.origin == "imported":  # what ltrr served itself teaches the bandit in the fold
                self._answers[search.impression_id] = found

    def on_outcomes(self, batch: Iterable[Outcome]) -> None:
        """Label frozen searches; turn outcomes into lessons."""
        batch = list(batch)
        self.collector.note(batch)
        for outcome in batch:
            found = self._answers.pop(outcome.impression_id or "", None)
            if found is not None and (taught := lesson(self.loop, found, outcome)) is not None:
                self.lessons.append(taught)

    def answer(self, search: Impression) -> Answer:
        """Answer a search as of its time, without exploring."""
        budget = self.loop.settings.retrieval.budget
        return answer(self.loop, search.query, context_of(search), k=10, budget=budget, explore=False)

    def examples(self) -> Examples:
        """Return what was frozen and labelled, in time order."""
        return self.collector.examples(self.schema)


def observe(
    loop: Loop,
    journal: Journal,
    outcomes: list[Outcome],
    total: int,
    sample: int,
    progress: Callable[[str, int, int | None], None],
) -> Observer:
    """Walk through the past with a fresh loop, freezing the newest searches."""
    observer = Observer(loop)
    observer.expects(outcomes)
    done = 0

    def on_search(search: Impression) -> None:
        nonlocal done
        observer.on_search(search)
        done += 1
        progress("searches", done, min(total, sample))

    walk(loop, newest(journal.impressions(), total, sample), outcomes, on_search, observer.on_outcomes)
    return observer


def train_model(examples: Examples, schema: Schema, algorithm: str, serving: Model | None = None) -> Trained:
    """Fit on the older searches, judge on the newest; where the judgment is good, fit on all of them.

    serving -- the ranker that serves now, where there is one: it has to be beaten too
    """
    groups = int(examples.groups.max(initial=-1)) + 1
    if groups < FEWEST:
        reason = f"{groups} searches with a rewarded candidate; {FEWEST} are needed"
        return Trained(None, algorithm, False, groups, reason)
    first_held = groups - max(1, round(groups * HELD_OUT))
    older, held = part(examples, examples.groups < first_held), part(examples, examples.groups >= first_held)
    model = fit(older, schema, algorithm)
    scores = model.score(held.features)
    verdict = compare(held, scores)
    measures, better = verdict.measures(), verdict.better
    if serving is not None and serving.schema.digest == schema.digest:
        # it may have been trained on these very searches, which favours what serves: a change must earn its place
        against = compare(held, scores, serving.score(held.features))
        measures["ranker"] = against.serving
        better = better and against.better
    if not better:
        reason = "not better than what serves on the newest searches"
        return Trained(model, model.algorithm, False, groups, reason, measures)
    whole = fit(examples, schema, model.algorithm)
    return Trained(whole, model.algorithm, True, groups, "better on the newest searches", measures)
