"""Judged evaluation: policies of a workspace, always beside the baselines, and runs from files, by the same judge.

Baselines are what a reader expects: BM25 alone, the encoder alone, equal-weight reciprocal rank fusion of these two and
their convex combination (Bruch et al., TOIS 2023), rank fusion of all strategies, the single strategy that does best in
hindsight, and a random order of everything that was retrieved. A claim that does not name them says little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.allocation.policy import Policy
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import DoubleArray, FloatArray, IntArray
from ltrr_cli.engine.executor import Kernel, pieces
from ltrr_cli.engine.named import hidden, named_policy
from ltrr_cli.engine.opened_elsewhere import SnapshotFolders, folders_of, open_answering
from ltrr_cli.engine.query import LARGEST_K
from ltrr_cli.engine.retrieve import retrieve
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.evaluation.metrics import Judge, Run, depth_of
from ltrr_cli.evaluation.query_kinds import QueryFrequency, groups, intent_of
from ltrr_cli.evaluation.records import EvaluateReport, Group, Versus
from ltrr_cli.evaluation.significance import bootstrap, paired
from ltrr_cli.feedback.judgments import JudgedQuery, JudgedSet, read_judged, read_run
from ltrr_cli.ranking.fusion import fuse, gains
from ltrr_cli.retrieval.union import union
from ltrr_cli.storage.disk import write_atomic

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

MEASURES = ("nDCG@10", "RR@10", "P@10", "R@100", "Judged@10")
TOGETHER = 16  # queries that a worker answers before it is given more
DEPTH = 100  # results a query, where no measure looks deeper
LEXICAL, DENSE = "lexical", "dense"  # the two strategies of the baselines that everybody knows
BM25, RRF, CONVEX, RRF_ALL = "bm25", "rrf", "convex", "rrf_all"
BEST_SINGLE, RANDOM = "best_single", "random"
OF_TWO = (BM25, DENSE, RRF, CONVEX)  # left out where one of the two is switched off
BASELINES = (*OF_TWO, RRF_ALL, BEST_SINGLE, RANDOM)

Pages = dict[str, list[str]]  # query id -> entity ids, best first


@dataclass(slots=True)
class Evaluation:
    """A judged evaluation with everything behind its means.

    systems -- name -> (queries, measures) float64, in the order of ``judge.queries`` and ``judge.names``
    runs    -- name -> the answers that were judged
    labels  -- query id -> {split: group}
    """

    judged: JudgedSet
    judge: Judge
    systems: dict[str, DoubleArray] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    singles: dict[str, DoubleArray] = field(default_factory=dict)
    best_single: str | None = None

    def add(self, name: str, run: Run) -> None:
        """Judge one more system; raises UsageError where the name is taken."""
        if name in self.systems:
            raise UsageError(f"two systems are named {name!r}", hint="name runs with --run NAME=FILE")
        self.runs[name] = run
        self.systems[name] = self.judge.table(run)

    def report(self, seconds: float = 0.0) -> EvaluateReport:
        """Sum up; the first system is compared with each of the others."""
        first = next(iter(self.systems))
        others = {name: table for name, table in self.systems.items() if name != first}
        return EvaluateReport(
            queries=len(self.judge.queries),
            measures={name: self._means(table) for name, table in self.systems.items()},
            intervals={name: self._interval(table) for name, table in self.systems.items()},
            against={name: self._versus(self.systems[first], table) for name, table in others.items()},
            kinds=self._kinds(),
            strategies={name: self._means(table) for name, table in self.singles.items()},
            best_single=self.best_single,
            unanswered=len(self.judged.unanswered),
            unjudged=self.judged.unjudged,
            seconds=round(seconds, 3),
        )

    def write_per_query(self, path: str | Path) -> None:
        """Write a table with tabs: one line a query and system."""
        texts = {query.query_id: " ".join(query.text.split()) for query in self.judged.queries}
        splits = list(dict.fromkeys(split for of in self.labels.values() for split in of))
        lines = ["\t".join(("query_id", "text", *splits, "system", *self.judge.names))]
        for place, query in enumerate(self.judge.queries):
            labels = self.labels.get(query, {})
            about = (query, texts.get(query, ""), *(labels.get(split, "") for split in splits))
            for name, table in self.systems.items():
                lines.append("\t".join((*about, name, *(f"{value:.6f}" for value in table[place]))))
        write_atomic(Path(path), ("\n".join(lines) + "\n").encode())

    def _means(self, table: DoubleArray) -> dict[str, float]:
        return dict(zip(self.judge.names, self.judge.mean(table).tolist(), strict=True))

    def _interval(self, table: DoubleArray) -> dict[str, tuple[float, float]]:
        low, high = (self.judge.scale * end for end in bootstrap(table))
        return {name: (float(low[column]), float(high[column])) for column, name in enumerate(self.judge.names)}

    def _versus(self, first: DoubleArray, second: DoubleArray) -> dict[str, Versus]:
        two, scale = paired(first, second), self.judge.scale
        columns = zip(two.mean * scale, two.low * scale, two.high * scale, two.p, strict=True)
        return {
            name: Versus(*(float(value) for value in of)) for name, of in zip(self.judge.names, columns, strict=True)
        }

    def _kinds(self) -> dict[str, dict[str, Group]]:
        known = [place for place, query in enumerate(self.judge.queries) if query in self.labels]
        split = groups(self.labels[self.judge.queries[place]] for place in known)
        return {
            name: {
                group: Group(
                    len(places),
                    {who: self._means(table[np.array(known)[places]]) for who, table in self.systems.items()},
                )
                for group, places in of.items()
            }
            for name, of in split.items()
        }


def evaluate(
    state: State | None,
    queries: str | Path | None,
    qrels: str | Path,
    *,
    measures: Sequence[str] = MEASURES,
    policies: Sequence[str] = (),
    runs: Mapping[str, str | Path] | None = None,
    k: int | None = None,
    budget: int | None = None,
    engine: str | None = None,
    progress: Progress = quiet,
) -> tuple[EvaluateReport, Evaluation]:
    """Answer judged queries with policies and baselines, judge them and given runs.

    workspace -- None judges runs alone
    policies  -- names as in the settings, such as "hazard", "uniform", "fixed(lexical=40,memory=60)"; none: the
                 workspace's own
    runs      -- name -> TREC run
    k         -- results a query; by default 100, or as deep as a measure looks
    """
    start = perf_counter()
    snapshot = None if state is None else state.snapshot()
    judged = read_judged(queries, qrels, snapshot.clock_ms if snapshot is not None else 0)
    done = Evaluation(judged, Judge(judged.grades, measures))
    done.labels = {query.query_id: {"kind": query.kind} for query in judged.queries if query.kind}
    if state is not None and snapshot is not None:
        depth = max(DEPTH, depth_of(measures)) if k is None else k
        if not 1 <= depth <= LARGEST_K:
            raise UsageError(f"k is {depth}", hint=f"k lies between 1 and {LARGEST_K}")
        _answer_all(state, snapshot, done, policies, depth, budget, engine, progress)
    for name, path in (runs or {}).items():
        done.add(name, read_run(path))
    if not done.systems:
        raise UsageError("nothing to evaluate", hint="give --queries for the workspace's own answers, or --run FILE")
    return done.report(perf_counter() - start), done


def _answer_all(
    state: State,
    snapshot: Snapshot,
    done: Evaluation,
    policies: Sequence[str],
    depth: int,
    budget: int | None,
    engine: str | None,
    progress: Progress,
) -> None:
    names = tuple(policies) or (state.settings.allocation.policy,)
    if taken := set(names) & set(BASELINES):
        raise UsageError(f"{min(taken)!r} is a baseline and always there", hint="leave it out of --policies")
    chosen = {name: named_policy(state, name) for name in names}
    most = max(state.settings.retrieval.budget if budget is None else budget, depth)
    traffic = QueryFrequency(state.journal.queries())
    pages: dict[str, Pages] = {name: {} for name in (*names, *BASELINES, *snapshot.enabled())}
    asked = [(query, hidden(state, query.context)) for query in done.judged.queries]
    with open_answering(state, engine) as executor:
        terms = JudgedTerms(folders_of(state, executor), chosen, depth, most)
        answered = executor.map(ANSWER, terms, pieces(asked, TOGETHER), lambda: (snapshot, terms))
        for number, (query, (found, intent)) in enumerate(
            zip(done.judged.queries, chain.from_iterable(answered), strict=True), 1
        ):
            for name, page in found.items():
                pages[name][query.query_id] = page
            done.labels.setdefault(query.query_id, {}).update(
                intent=intent,
                traffic=traffic.place(query.text),
                memory="seen" if traffic.seen(query.text) else "unseen",
            )
            progress("queries", number, len(asked))
    for name in names:
        done.add(name, pages[name])
    done.singles = {name: done.judge.table(pages[name]) for name in snapshot.enabled()}
    # the first of the registry where two are equal; by the first measure, the one that is asked about
    best = max(done.singles, key=lambda name: float(done.judge.mean(done.singles[name])[0]))
    done.best_single = best
    for name in (*OF_TWO, RRF_ALL):
        if pages[name]:
            done.add(name, pages[name])
    done.add(BEST_SINGLE, pages[best])
    done.add(RANDOM, pages[RANDOM])


@dataclass(frozen=True, slots=True)
class JudgedTerms:
    """What judged queries are answered by: policies by name, results a query, distinct candidates."""

    folders: SnapshotFolders
    policies: Mapping[str, Policy | None]
    depth: int
    budget: int


Answered = tuple[dict[str, list[str]], str]  # system -> entity ids, best first; and what the query seems to want


def _open(terms: JudgedTerms) -> tuple[Snapshot, JudgedTerms]:
    return terms.folders.open(), terms


def _answers(held: tuple[Snapshot, JudgedTerms], asked: Sequence[tuple[JudgedQuery, frozenset[str]]]) -> list[Answered]:
    """Answer queries by every policy and every baseline."""
    return [_answered(*held, query, unseen) for query, unseen in asked]


def _answered(snapshot: Snapshot, terms: JudgedTerms, query: JudgedQuery, unseen: frozenset[str]) -> Answered:
    pages: dict[str, list[str]] = {}
    for name, policy in terms.policies.items():
        found = answer(
            snapshot, query.text, query.context, k=terms.depth, budget=terms.budget, explore=False, policy=policy,
            hidden=unseen,
        )  # fmt: skip
        pages[name] = [snapshot.catalog.ids[row] for row in found.candidates.rows[found.page].tolist()]
    pages |= _baselines(snapshot, query, terms.depth, terms.budget, unseen)
    return pages, intent_of(snapshot.understanding.read(query.text, query.context.locale))


ANSWER: Kernel[
    JudgedTerms, tuple[Snapshot, JudgedTerms], Sequence[tuple[JudgedQuery, frozenset[str]]], list[Answered]
] = Kernel("answer judged queries", _open, _answers)


def _baselines(
    snapshot: Snapshot, query: JudgedQuery, depth: int, budget: int, unseen: frozenset[str]
) -> dict[str, list[str]]:
    names = snapshot.enabled()
    request = snapshot.request(query.text, query.context, 0, unseen)
    hits = retrieve(snapshot, request, names, budget)
    rows, ranks, _ = union(hits)
    lists = {name: hit.rows for name, hit in zip(names, hits, strict=True)}
    lists[RRF_ALL] = _ordered(rows, fuse(ranks))
    if LEXICAL in names and DENSE in names:
        found, places, scores = union([hits[names.index(LEXICAL)], hits[names.index(DENSE)]])
        lists[BM25], lists[RRF] = lists[LEXICAL], _ordered(found, fuse(places))
        lists[CONVEX] = _ordered(found, gains(scores).sum(axis=1))
    lists[RANDOM] = generator("random order", query.query_id).permutation(rows)
    return {name: [snapshot.catalog.ids[row] for row in best[:depth].tolist()] for name, best in lists.items()}


def _ordered(rows: IntArray, scores: FloatArray) -> IntArray:
    ordered: IntArray = rows[np.lexsort((rows, -scores))]
    return ordered
