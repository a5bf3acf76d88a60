"""Training: freeze what the system knew at each of the newest searches, fit, and promote only what is better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from ltrr_cli.core.clock import iso, now_ms
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.progress import Progress
from ltrr_cli.core.types import DoubleArray, FloatArray, Impression, IntArray, Outcome
from ltrr_cli.engine.frozen_search import FrozenSearch, freeze
from ltrr_cli.engine.model_store import KIND, ModelCard, name_of
from ltrr_cli.engine.search import Answer, answer, context_of
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.engine.state import State
from ltrr_cli.feedback.judgments import JudgedSet, read_judged
from ltrr_cli.learning.collector import Collector
from ltrr_cli.learning.examination import click_weights
from ltrr_cli.learning.timeline import Happened, SearchStep, timeline
from ltrr_cli.ranking.anchor import entities_chosen, foretold, kept_by
from ltrr_cli.ranking.base_score import corrected
from ltrr_cli.ranking.comparison import compare, importances
from ltrr_cli.ranking.fit import fit
from ltrr_cli.ranking.model import Examples, Model, Schema
from ltrr_cli.ranking.subsample import part
from ltrr_cli.storage import disk

HELD_OUT = 0.2  # newest share of the searches: what a new model must win on
FEWEST, FEWEST_JUDGED = 50, 20  # searches with something to tell apart, below which nothing is trained
FOLDS = 5  # of judged queries
LISTED = 10  # queries named as won, and as lost

Change = tuple[str, float]


def keep(state: State, trained: Trained, model: Model, source: str) -> int:
    """Seal a trained model with its card; return its number."""
    with state.generations.draft(KIND) as draft:
        model.save(draft.folder)
        card = ModelCard(
            name=name_of(draft.number),
            algorithm=model.algorithm,
            source=source,
            trained=iso(now_ms()),
            searches=trained.searches,
            reason=trained.reason,
            columns=len(model.schema.names),
            measures=trained.measures,
            importances=trained.importances,
            won=trained.won,
            lost=trained.lost,
            anchor=model.anchor,
            silent=model.silent,
        )
        disk.write_atomic(draft.folder / "card.json", msgspec.json.format(msgspec.json.encode(card)))
    return draft.number


@dataclass(frozen=True, slots=True)
class Trained:
    """A fitted model and how it did on the newest searches, beside what serves.

    measures    -- "trained", "serving" (and "ranker", one that serves already) -> measure -> value
    importances -- feature -> loss of nDCG@10 on held-out searches when it is shuffled, largest first
    won, lost   -- held-out queries that gained and lost most nDCG@10 against what serves
    """

    model: Model | None
    algorithm: str
    better: bool
    searches: int
    reason: str
    measures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    importances: Mapping[str, float] = field(default_factory=dict)
    won: tuple[Change, ...] = ()
    lost: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a ranker is trained on.

    queries   -- the text of every search, by its group's number
    ordered   -- groups are in time order (False: judged queries, which have no time)
    newest_ms -- the moment of the newest search
    entities  -- ids of the candidates, one a line
    """

    examples: Examples
    schema: Schema
    queries: tuple[str, ...]
    ordered: bool = True
    newest_ms: int | None = None
    entities: tuple[str, ...] = ()


def acted_on(past: Iterable[Outcome]) -> Iterator[str]:
    """Yield the searches that something rewarded came of."""
    return (one.impression_id for one in past if one.impression_id is not None and one.reward > 0)


class Observer:
    """Answers searches of a walk as of their time, and keeps what training needs."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.collector = Collector()
        self.schema = Schema(())
        self._wanted: set[str] = set()
        self._texts: dict[str, str] = {}

    def expects(self, searches: Iterable[str]) -> None:
        """Say beforehand which searches something will label: the others need not be kept."""
        self._wanted.update(searches)

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
            self._texts[search.impression_id] = search.query
            self.collector.frozen.append(freeze(self.snapshot, search, found))

    def on_outcomes(self, batch: Sequence[Outcome]) -> None:
        """Label frozen searches."""
        self.collector.note(batch)

    def answer(self, search: Impression) -> Answer:
        """Answer a search as of its time, without exploring."""
        budget = self.snapshot.settings.retrieval.budget
        return answer(self.snapshot, search.query, context_of(search), k=10, budget=budget, explore=False)

    def labelled(self) -> Labelled:
        """Return what was frozen and labelled, in time order."""
        return labelled(self.collector, self.schema, self._texts)

    def examples(self) -> Examples:
        """Return the lines of ``labelled``."""
        return self.collector.examples(self.schema)


def labelled(collector: Collector, schema: Schema, texts: Mapping[str, str]) -> Labelled:
    """Return what a ranker is trained on: frozen searches of one schema, in time order; texts -- of their queries."""
    newest_ms = max((item.time_ms for item in collector.frozen), default=None)
    examples = replace(collector.examples(schema), weights=click_weights(collector.labelled(schema)))
    queries = collector.named(schema, texts)
    return Labelled(examples, schema, queries, newest_ms=newest_ms, entities=collector.entities(schema))


def observe(snapshot: Snapshot, past: Iterable[Happened], searches: Iterable[str], progress: Progress) -> Observer:
    """Go through a past with a snapshot that knows what came before it, freezing these searches, until all are."""
    observer, wanted = Observer(snapshot), frozenset(searches)
    observer.expects(wanted)
    done = 0
    some = (one for one in past if not isinstance(one, Impression) or one.impression_id in wanted)
    for step in timeline(some, snapshot.learn_counts):
        if isinstance(step, SearchStep):
            observer.on_search(step.impression)
            done += 1
            progress("searches", done, len(wanted))
        else:
            snapshot.learn(step.outcomes)
            observer.on_outcomes(step.outcomes)
    return observer


def judged_examples(snapshot: Snapshot, judged: JudgedSet, progress: Progress) -> Labelled:
    """Answer judged queries as the system stands now, and label their candidates with the grades.

    A candidate that nobody judged is left out where judges also said "not relevant" (grade 0), for then silence is no
    verdict; where they only named what is relevant, everything else is not.
    """
    collector, texts = Collector(), []
    budget, schema = snapshot.settings.retrieval.budget, Schema(())
    told_apart = any(grade <= 0 for grades in judged.grades.values() for grade in grades.values())
    for done, query in enumerate(judged.queries, 1):
        context = replace(query.context, user=None, session=None)  # as rankers see every page
        found = answer(snapshot, query.text, context, k=10, budget=budget, explore=False)
        grades, schema = judged.grades[query.query_id], found.schema
        ids = [snapshot.catalog.ids[int(row)] for row in found.candidates.rows]
        keep = np.array([entity in grades for entity in ids] if told_apart else [True] * len(ids), np.bool_)
        frozen = FrozenSearch(query.query_id, done, schema, tuple(ids), found.features, found.baseline)
        collector.frozen.append(frozen.only(keep))
        collector.labels[query.query_id] = {entity: float(grade) for entity, grade in grades.items() if grade > 0}
        texts.append((query.query_id, query.text))
        progress("queries", done, len(judged.queries))
    queries, entities = collector.named(schema, dict(texts)), collector.entities(schema)
    return Labelled(collector.examples(schema), schema, queries, ordered=False, entities=entities)


def guard_of(state: State, snapshot: Snapshot, progress: Progress) -> Examples | None:
    """Return the judged queries of ``ranking.guard``; None without any. Raises UsageError, DataError."""
    files = state.settings.ranking.guard
    if not files:
        return None
    if len(files) != 2:
        raise UsageError(f"ranking.guard names {len(files)} files", hint='two: ["queries.jsonl", "judgments.tsv"]')
    queries, qrels = (state.home / name for name in files)  # an absolute name stays as it is
    return judged_examples(snapshot, read_judged(queries, qrels, snapshot.clock_ms), progress).examples


def train_model(
    given: Labelled, algorithm: str, serving: Model | None = None, guard: Examples | None = None
) -> Trained:
    """Fit where searches are older, judge where they are newest; where the judgment is good, fit on all of them.

    Judged queries have no time: they are judged by cross-validation over whole queries.

    serving -- the ranker that serves now, where there is one: it has to be beaten too
    guard   -- judged queries that must not become clearly worse
    """
    examples, schema = given.examples, given.schema
    groups = int(examples.groups.max(initial=-1)) + 1
    fewest = FEWEST if given.ordered else FEWEST_JUDGED
    if groups < fewest:
        reason = f"{groups} searches with a rewarded candidate; {fewest} are needed"
        return Trained(None, algorithm, False, groups, reason)
    model, held, scores = _held_out(given, algorithm, groups, guard)
    verdict = compare(held, scores)
    measures, better = verdict.measures(), verdict.better
    if serving is not None and serving.schema.digest == schema.digest:
        # it may have been trained on these very searches, which favours what serves: a change must earn its place
        against = compare(held, scores, corrected(serving.score(held.features), held.baseline, serving.anchor))
        measures["ranker"] = against.serving
        better = better and against.better
    changes = _changes(given.queries, np.unique(held.groups), verdict.difference)
    weighty = importances(held, model)
    if guard is not None and model.anchor not in kept_by(guard, model.score(guard.features)):
        reason = "worse on the judged queries of ranking.guard"
        return Trained(model, model.algorithm, False, groups, reason, measures, weighty, *changes)
    if not better:
        reason = "not better than the serving ranker" + (" on the newest searches" if given.ordered else "")
        return Trained(model, model.algorithm, False, groups, reason, measures, weighty, *changes)
    before = entities_chosen(examples, examples.groups < held.groups[0])
    if guard is None and given.ordered and foretold(scores, held, before):
        reason = "finds what nobody had chosen too surely: clicks cannot vouch for it, judgments could (ranking.guard)"
        return Trained(model, model.algorithm, False, groups, reason, measures, weighty, *changes)
    newest_ms = given.newest_ms
    whole = fit(
        examples, schema, model.algorithm, ordered=given.ordered, trained_until_ms=newest_ms, anchor=model.anchor,
        silent=model.silent,
    )  # fmt: skip
    reason = "better on the newest searches" if given.ordered else "better on queries that it was not trained on"
    return Trained(whole, model.algorithm, True, groups, reason, measures, weighty, *changes)


def _held_out(
    given: Labelled, algorithm: str, groups: int, guard: Examples | None
) -> tuple[Model, Examples, FloatArray]:
    """Return (a model, searches to judge on, their scores by models that had not seen them)."""
    examples, schema = given.examples, given.schema
    if given.ordered:
        first_held = groups - max(1, round(groups * HELD_OUT))
        older, held = part(examples, examples.groups < first_held), part(examples, examples.groups >= first_held)
        model = fit(older, schema, algorithm, guard=guard)
        return model, held, corrected(model.score(held.features), held.baseline, model.anchor)
    chosen = fit(examples, schema, algorithm, ordered=False)
    fold = np.random.default_rng(0).permutation(groups) % FOLDS
    scores = np.empty(len(examples.labels), np.float32)
    for number in range(FOLDS):
        test = fold[examples.groups] == number
        model = fit(part(examples, ~test), schema, chosen.algorithm, ordered=False)
        scores[test] = corrected(model.score(examples.features[test]), examples.baseline[test], model.anchor)
    return chosen, examples, scores


def _changes(
    queries: Sequence[str], groups: IntArray, difference: DoubleArray
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Return the queries that won and lost most, as (query, change of nDCG@10)."""
    order = np.argsort(difference, kind="stable")
    found = [(queries[int(groups[place])], round(float(difference[place]), 4)) for place in order.tolist()]
    won = tuple(change for change in reversed(found[-LISTED:]) if change[1] > 0)
    return won, tuple(change for change in found[:LISTED] if change[1] < 0)
