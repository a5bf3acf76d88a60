"""Point in time: what a search knew is what had happened strictly before it; a planted leak is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.engine.frozen_search import FrozenSearch
from ltrr_cli.evaluation.replay import replay
from ltrr_cli.learning.collector import Collector
from ltrr_cli.learning.timeline import SearchStep, happened, outcomes, timeline
from ltrr_cli.learning.train import Observer, acted_on, observe
from ltrr_cli.ranking.model import Schema
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS
from tests.small_workspace import searches

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace

Log = Callable[[list[dict]], Path]


def frozen(workspace: Workspace, path: Path) -> Observer:
    workspace.ingest([path])
    journal, settings = workspace.state.journal, workspace.settings
    snapshot = workspace.state.open_snapshot(workspace.state.current(), learned=False)
    wanted = acted_on(outcomes(journal, settings))
    return observe(snapshot, happened(journal, settings), wanted, lambda *_: None)


def own_count_of_wanted(observer: Observer) -> np.ndarray:
    """The memory's count of the very pair that each search ends up clicking, as frozen."""
    column = observer.schema.names.index("memory.own_count")
    labels = observer.collector.labels
    found = []
    for item in observer.collector.frozen:
        place = [n for n, entity in enumerate(item.ids) if entity in labels[item.impression_id]]
        found += item.features[place, column].tolist()
    return np.array(found)


def unique_searches() -> list[dict]:
    """Every query once: whatever the memory knows of one before its click can only be a leak."""
    return [{**line, "query": f"once{number}only"} for number, line in enumerate(searches(40))]


def test_a_click_never_feeds_its_own_feature(workspace: Workspace, log: Log):
    counts = own_count_of_wanted(frozen(workspace, log(unique_searches())))
    assert len(counts) > 20
    assert (counts == 0).all()


def test_a_planted_leak_is_found(workspace: Workspace, log: Log):
    """The same check must fail where each click is learnt before its search is answered."""
    workspace.ingest([log(unique_searches())])
    snapshot = workspace.state.open_snapshot(workspace.state.current(), learned=False)
    past = list(outcomes(workspace.state.journal, workspace.settings))
    observer = Observer(snapshot)
    observer.expects(acted_on(past))
    snapshot.learn(past)  # the leak
    for step in timeline(happened(workspace.state.journal, workspace.settings), snapshot.learn_counts):
        if isinstance(step, SearchStep):
            observer.on_search(step.impression)
        else:
            observer.on_outcomes(step.outcomes)
    assert own_count_of_wanted(observer).max() > 0


def test_a_click_at_the_very_moment_of_a_search_is_not_seen_by_it(workspace: Workspace, log: Log):
    lines = [{**line, "query": "same words", "timestamp": "2024-01-01T00:00:00Z", "user_id": f"u{number}",
              "clicked": [SONGS[3].id]} for number, line in enumerate(searches(40))]  # fmt: skip
    assert (own_count_of_wanted(frozen(workspace, log(lines))) == 0).all()


@pytest.mark.turns(6)
@pytest.mark.parametrize("cut", [120, *(pytest.param(cut, marks=pytest.mark.slow) for cut in (50, 199))])
def test_changing_later_clicks_leaves_earlier_answers_alone(workspace: Workspace, log: Log, tmp_path: Path, cut: int):
    lines = searches(200)
    runs = []
    for changed in (False, True):
        told = [
            {**line, "clicked": [SONGS[(number * 7) % 120].id]} if changed and number >= cut else line
            for number, line in enumerate(lines)
        ]
        run = tmp_path / f"{changed}.trec"
        replay(workspace.state, [log(told)], run=run, train_every=60)
        runs.append([line for line in run.read_text().split("\n") if line and int(line[1:7]) <= cut])
    assert runs[0] == runs[1]
    assert len(runs[0]) > 0


@pytest.mark.turns(6)
def test_replay_gets_better_and_changes_nothing(workspace: Workspace, log: Log, tmp_path: Path):
    before = workspace.state.current()
    run = tmp_path / "run.trec"
    report = replay(workspace.state, [log(searches(240))], run=run, train_every=100)
    assert (report.searches, report.clicks) == (240, 240)
    assert report.curve[0]["MAP@5"] < report.curve[-1]["MAP@5"]
    assert report.measures["MAP@5"] > 0.4
    assert workspace.state.current() == before
    assert workspace.status().events == 0


def test_the_printed_measure_equals_one_computed_from_the_run(workspace: Workspace, log: Log, tmp_path: Path):
    lines, run = searches(120), tmp_path / "run.trec"
    report = replay(workspace.state, [log(lines)], run=run, train_every=0)
    pages: dict[str, list[str]] = {}
    for line in run.read_text().split("\n"):
        if line:
            query, _, entity, *_ = line.split()
            pages.setdefault(query, []).append(entity)
    ranks = [pages[f"s{n:06d}"].index(line["clicked"][0]) + 1 if line["clicked"][0] in pages[f"s{n:06d}"] else 0
             for n, line in enumerate(lines)]  # fmt: skip
    assert report.measures["MAP@5"] == pytest.approx(np.mean([1 / rank if 0 < rank <= 5 else 0 for rank in ranks]))


@pytest.mark.turns(6)
def test_what_was_ingested_before_is_no_leak_either(workspace: Workspace, log: Log, tmp_path: Path):
    path = log(searches(150))
    fresh = replay(workspace.state, [path], run=tmp_path / "a.trec", train_every=0)
    workspace.ingest([path])
    again = replay(workspace.state, [path], run=tmp_path / "b.trec", train_every=0)
    assert again.measures == fresh.measures
    assert (tmp_path / "a.trec").read_text() == (tmp_path / "b.trec").read_text()


@pytest.mark.turns(6)
def test_only_searches_from_a_moment_on_are_scored_all_are_learnt_from(workspace: Workspace, log: Log):
    lines = searches(200)
    whole = replay(workspace.state, [log(lines)], train_every=0)
    late = replay(workspace.state, [log(lines)], since=lines[150]["timestamp"], train_every=0)
    assert late.searches == 50
    assert late.measures["MAP@5"] > whole.measures["MAP@5"]


def kept(name: str, *ids: str) -> FrozenSearch:
    """A frozen search."""
    values = np.arange(len(ids), dtype=np.float32)
    return FrozenSearch(name, 0, Schema(("x",)), ids, values[:, None], values)


def test_searches_that_wait_for_a_click_push_none_out_and_are_no_examples():
    past = Collector([kept(name, "a", "b") for name in ("one", "two", "waiting", "three", "waiting too")])
    past.labels.update({name: {"a": 1.0} for name in ("one", "two", "three")})
    past.keep_newest(2)
    assert [item.impression_id for item in past.frozen] == ["two", "waiting", "three", "waiting too"]
    assert len(past.examples(Schema(("x",))).labels) == 4
