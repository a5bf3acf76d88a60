"""Training: freeze what the system knew at each of the newest searches, fit, and promote only what is better."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ltrr_cli.core.chance import generator
from ltrr_cli.core.types import Impression, Outcome
from ltrr_cli.engine.learn import newest
from ltrr_cli.engine.loop import Loop
from ltrr_cli.engine.scoring import corrected
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.engine.walk import Collector, freeze, walk
from ltrr_cli.ranking.base import Examples, Model, Schema
from ltrr_cli.ranking.fit import fit, part
from ltrr_cli.ranking.judge import compare
from ltrr_cli.storage.journal import Journal

HELD_OUT = 0.2  # newest share of the searches: what a new model must win on
FEWEST = 50  # searches with a rewarded candidate, below which nothing is trained
HEAD, KEPT = 20, 0.08  # candidates of a search that training always sees, and the share of the rest


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


class Observer:
    """Answers searches of a walk as of their time, and keeps what training needs."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.collector = Collector()
        self.schema = Schema(())
        self._wanted: set[str] = set()

    def expects(self, outcomes: Iterable[Outcome]) -> None:
        """Say beforehand which searches something will label: the others need not be kept."""
        self._wanted |= {o.impression_id for o in outcomes if o.impression_id is not None and o.reward > 0}

    def waits_for(self, search: Impression) -> bool:
        """Say whether an outcome will label a search."""
        return search.impression_id in self._wanted

    def on_search(self, search: Impression) -> None:
        """Answer and freeze one search."""
        if self.waits_for(search):
            self.freeze(search, self.answer(search))

    def freeze(self, search: Impression, found: Answer) -> None:
        """Keep what was known when a search was answered, if anything will label it."""
        if self.waits_for(search):
            self.schema = found.schema
            self.collector.frozen.append(freeze(self.loop, search, found))

    def on_outcomes(self, batch: Sequence[Outcome]) -> None:
        """Label frozen searches."""
        self.collector.note(batch)

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
    sample: int,
    progress: Callable[[str, int, int | None], None],
) -> Observer:
    """Walk through the past with a fresh loop, freezing the newest searches."""
    observer = Observer(loop)
    observer.expects(outcomes)
    done, total = 0, min(sample, journal.counts().impressions)

    def on_search(search: Impression) -> None:
        nonlocal done
        observer.on_search(search)
        done += 1
        progress("searches", done, total)

    walk(loop, newest(journal, sample), outcomes, on_search, observer.on_outcomes)
    return observer


def sampled(examples: Examples) -> Examples:
    """Thin out candidates that nobody chose: all of the head by the serving score, some of the rest.

    The kept ones stand for those left out by their weight. Without it a model learns that what stands deep and was
    kept is what was chosen.
    """
    order = np.lexsort((-examples.baseline, examples.groups))
    start = np.searchsorted(examples.groups[order], examples.groups[order], side="left")
    depth = np.empty(len(order), np.int64)
    depth[order] = np.arange(len(order)) - start
    rest = (depth >= HEAD) & (examples.labels <= 0)
    lucky = generator("sampled candidates", len(order)).random(len(order)) < KEPT
    weights = np.where(rest, examples.weights / KEPT, examples.weights).astype(np.float32)
    return part(replace(examples, weights=weights), ~rest | lucky)


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
    model = fit(sampled(older), schema, algorithm)
    scores = corrected(model.score(held.features), held.baseline)
    verdict = compare(held, scores)
    measures, better = verdict.measures(), verdict.better
    if serving is not None and serving.schema.digest == schema.digest:
        # it may have been trained on these very searches, which favours what serves: a change must earn its place
        against = compare(held, scores, corrected(serving.score(held.features), held.baseline))
        measures["ranker"] = against.serving
        better = better and against.better
    if not better:
        reason = "not better than what serves on the newest searches"
        return Trained(model, model.algorithm, False, groups, reason, measures)
    whole = fit(sampled(examples), schema, model.algorithm)
    return Trained(whole, model.algorithm, True, groups, "better on the newest searches", measures)
