"""Two systems on one page: team-draft interleaving (Radlinski, Kurup and Joachims, CIKM 2008).

Each round a coin says who picks first; each team picks its best entity that is not on the page yet. Whoever's entities
are chosen more often wins the search. Everybody sees one page, so differences between people and queries cancel, and a
preference shows with far fewer searches than two separate groups would need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.progress import Progress, quiet
from ltrr_cli.core.seeds import generator, seed_of
from ltrr_cli.core.types import Context, DoubleArray, Impression
from ltrr_cli.engine.search import answer, context_of
from ltrr_cli.evaluation.records import CompareReport
from ltrr_cli.evaluation.significance import paired
from ltrr_cli.evaluation.targets import Target, parse_target
from ltrr_cli.feedback.judgments import read_judged, read_run
from ltrr_cli.learning.credit import served_examples
from ltrr_cli.learning.timeline import SearchStep, happened, outcomes, timeline

if TYPE_CHECKING:
    from ltrr_cli.engine.snapshot import Snapshot
    from ltrr_cli.engine.state import State

PAGE = 10


def team_draft(
    first: Sequence[str], second: Sequence[str], k: int, chance: np.random.Generator
) -> list[tuple[str, int]]:
    """Return the page as (entity, team): 0 for the first system's picks, 1 for the second's.

    >>> page = team_draft(["a", "b", "c"], ["b", "d", "a"], 3, np.random.default_rng(0))
    >>> sorted(entity for entity, _ in page[:2])
    ['a', 'b']
    """
    lists, place = (first, second), [0, 0]
    page: list[tuple[str, int]] = []
    shown: set[str] = set()
    while len(page) < k:
        before = len(page)
        starter = int(chance.integers(0, 2))
        for team in (starter, 1 - starter):
            ids = lists[team]
            while place[team] < len(ids) and ids[place[team]] in shown:
                place[team] += 1
            if place[team] < len(ids) and len(page) < k:
                page.append((ids[place[team]], team))
                shown.add(ids[place[team]])
        if len(page) == before:  # both lists are at their end
            break
    return page


def simulated(
    state: State | None,
    names: tuple[str, str],
    queries: str | Path | None,
    qrels: str | Path,
    *,
    sessions: int = 10,
    seed: int = 0,
    progress: Progress = quiet,
) -> CompareReport:
    """Let simulated listeners see interleaved pages of judged queries.

    names    -- ``POLICY`` or ``POLICY/RANKER`` of the workspace, or a TREC run
    sessions -- pages a query

    A listener looks at position p with chance 1 / p and chooses an entity of grade g with chance
    ``(2^g - 1) / 2^G`` where looked at, G being the highest grade (the gain of nDCG and ERR).
    """
    start = perf_counter()
    snapshot = None if state is None else state.snapshot()
    judged = read_judged(queries, qrels, snapshot.clock_ms if snapshot is not None else 0)
    contexts = {query.query_id: (query.text, query.context) for query in judged.queries}
    pages = [_pages(state, snapshot, name, contexts) for name in names]
    top = max((grade for grades in judged.grades.values() for grade in grades.values()), default=0)
    if top <= 0:
        raise DataError(f"{qrels}: nothing is relevant in it", hint="grades above 0 are what listeners choose")
    picked: list[tuple[float, float]] = []
    asked = [query for query in judged.grades if not contexts or query in contexts]
    for number, query in enumerate(asked, 1):
        grades = judged.grades[query]
        for session in range(sessions):
            chance = generator("interleaved", seed, query, session)
            page = team_draft(pages[0].get(query, ()), pages[1].get(query, ()), PAGE, chance)
            credit = [0.0, 0.0]
            for position, (entity, team) in enumerate(page, 1):
                worth = (2.0 ** max(grades.get(entity, 0), 0) - 1.0) / 2.0**top
                credit[team] += chance.random() < worth / position
            picked.append((credit[0], credit[1]))
        progress("queries", number, len(asked))
    return _report(names, np.array(picked), perf_counter() - start)


def from_journal(
    state: State,
    names: tuple[str, str],
    *,
    since_ms: int | None = None,
    seed: int = 0,
    progress: Progress = quiet,
) -> CompareReport:
    """Interleave what both would have answered at every logged search, and credit what people chose then.

    People chose from the page of their time, which favours whatever resembles it more: a hint, not a live test.
    """
    start = perf_counter()
    serving = state.snapshot()
    snapshot = state.open_snapshot(state.current(), learned=False)
    targets = tuple(parse_target(state, serving, name) for name in names)
    wanted: dict[str, set[str]] = {}
    for outcome in outcomes(state.journal, state.settings):
        if outcome.impression_id is not None and outcome.reward > 0:
            wanted.setdefault(outcome.impression_id, set()).add(outcome.entity_id)
    picked: list[tuple[float, float]] = []

    def on_search(search: Impression) -> None:
        chosen = wanted.get(search.impression_id)
        if chosen is None or (since_ms is not None and (search.time_ms or 0) < since_ms):
            return
        name, context = search.impression_id, context_of(search)
        one, other = (_answered(snapshot, target, search.query, context, name) for target in targets)
        page = team_draft(one, other, PAGE, generator("interleaved", seed, name))
        picked.append(
            (
                float(sum(entity in chosen for entity, team in page if team == 0)),
                float(sum(entity in chosen for entity, team in page if team == 1)),
            )
        )
        progress("searches", len(picked), len(wanted))

    for step in timeline(happened(state.journal, state.settings), snapshot.learn_counts):
        if isinstance(step, SearchStep):
            on_search(step.impression)
            continue
        snapshot.learn(step.outcomes)
        taught = served_examples(snapshot, step)
        for target in targets:
            target.policy.learn(taught)
    if not picked:
        raise DataError("no search in the journal was acted on", hint="ltrr ingest-feedback LOG, or --qrels")
    return _report(names, np.array(picked), perf_counter() - start)


def _pages(
    state: State | None, snapshot: Snapshot | None, name: str, asked: Mapping[str, tuple[str, Context]]
) -> Mapping[str, Sequence[str]]:
    """Return query id -> ids, best first: of a run, or answered."""
    if Path(name).is_file():
        run = read_run(name)
        return {query: sorted(page, key=lambda entity: (-page[entity], entity)) for query, page in run.items()}
    if state is None or snapshot is None or not asked:
        raise UsageError(f"{name[:80]!r} is no run", hint="give --queries to let a workspace's policies answer")
    target = parse_target(state, snapshot, name)
    return {query: _answered(snapshot, target, text, context, query) for query, (text, context) in asked.items()}


def _answered(snapshot: Snapshot, target: Target, text: str, context: Context, name: str) -> list[str]:
    budget, seed = snapshot.settings.retrieval.budget, seed_of("compare", name)
    found = answer(
        snapshot, text, context, k=PAGE, budget=budget, seed=seed, explore=False, policy=target.policy,
        ranker=target.ranker,
    )  # fmt: skip
    return [snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]


def _report(names: tuple[str, str], picked: DoubleArray, seconds: float) -> CompareReport:
    """Sum up; the preference's interval and test are over searches."""
    won = np.sign(picked[:, 0] - picked[:, 1])
    two = paired((won > 0).astype(np.float64)[:, None], (won < 0).astype(np.float64)[:, None])
    return CompareReport(
        first=names[0],
        second=names[1],
        searches=len(picked),
        wins=(int((won > 0).sum()), int((won < 0).sum())),
        ties=int((won == 0).sum()),
        chosen=(int(picked[:, 0].sum()), int(picked[:, 1].sum())),
        preference=float(0.5 + two.mean[0] / 2),
        low=float(0.5 + two.low[0] / 2),
        high=float(0.5 + two.high[0] / 2),
        p=float(two.p[0]),
        seconds=round(seconds, 3),
    )
