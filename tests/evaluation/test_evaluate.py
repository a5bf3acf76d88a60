"""Judged evaluation: what serves is judged, beside baselines that are what they say."""

from __future__ import annotations

import csv
from pathlib import Path

import ir_measures
import pytest

from ltrr_cli.core.errors import UsageError
from ltrr_cli.evaluation.evaluate import BASELINES, evaluate
from ltrr_cli.feedback.judgments import write_run
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS

NAMES = ("nDCG@10", "RR@10", "AP", "P@5", "R@100", "Success@1", "Judged@10")


def test_the_figures_are_those_of_the_answers_that_a_batch_gives(
    workspace: Workspace, queries: Path, qrels: Path, tmp_path: Path
):
    workspace.query_batch(queries, tmp_path / "run.trec")
    report, _ = evaluate(workspace.state, queries, qrels, measures=NAMES)
    parsed = [ir_measures.parse_measure(name) for name in NAMES]
    separate = ir_measures.calc_aggregate(
        parsed,
        list(ir_measures.read_trec_qrels(str(qrels))),
        list(ir_measures.read_trec_run(str(tmp_path / "run.trec"))),
    )
    assert report.measures["hazard"] == pytest.approx({str(name): separate[name] for name in parsed}, abs=1e-9)


def test_baselines_always_stand_beside(workspace: Workspace, queries: Path, qrels: Path):
    report, done = evaluate(workspace.state, queries, qrels, policies=("uniform", "fixed(lexical=1)"))
    assert tuple(report.measures) == ("uniform", "fixed(lexical=1)", *BASELINES)
    assert tuple(report.against) == tuple(report.measures)[1:]
    best = max(of["nDCG@10"] for of in report.strategies.values())
    assert report.measures["best_single"]["nDCG@10"] == best == report.strategies[report.best_single]["nDCG@10"]
    assert report.measures["random"]["nDCG@10"] < report.measures["rrf"]["nDCG@10"]
    assert all(len(page) == len(set(page)) == 100 for page in done.runs["random"].values())
    for name, of in report.intervals.items():
        assert all(low <= report.measures[name][measure] <= high for measure, (low, high) in of.items())


def test_a_fixed_policy_of_one_strategy_retrieves_what_that_strategy_finds(
    workspace: Workspace, queries: Path, qrels: Path
):
    _, done = evaluate(workspace.state, queries, qrels, policies=("fixed(popular=1)",), k=20, budget=20)
    popular = workspace.state.snapshot().strategies["popular"]
    for query in done.judged.queries:
        hits = popular.look(workspace.state.snapshot().request(query.text, query.context, 0)).hits(20)
        named = {workspace.state.snapshot().catalog.ids[int(row)] for row in hits.rows}
        assert set(done.runs["fixed(popular=1)"][query.query_id]) <= named


def test_queries_are_split_by_what_they_want_and_how_often_they_were_asked(
    workspace: Workspace, queries: Path, qrels: Path
):
    for number in range(9):
        workspace.query(SONGS[0].title.upper(), seed=number)
    workspace.query(SONGS[1].title)
    report, done = evaluate(workspace.state, queries, qrels)
    assert report.kinds["kind"]["name"].queries == 12
    assert {name: group.queries for name, group in report.kinds["memory"].items()} == {"seen": 2, "unseen": 11}
    assert {name: group.queries for name, group in report.kinds["traffic"].items()} == {"head": 1, "tail": 12}
    assert sum(group.queries for group in report.kinds["intent"].values()) == 13
    seen = report.kinds["memory"]["seen"].measures["hazard"]["RR@10"]
    column = done.judge.names.index("RR@10")
    places = [done.judge.queries.index("n0"), done.judge.queries.index("n1")]
    assert seen == pytest.approx(float(done.systems["hazard"][places, column].mean()))


def test_the_table_has_every_query_of_every_system(workspace: Workspace, queries: Path, qrels: Path, tmp_path: Path):
    report, done = evaluate(workspace.state, queries, qrels)
    done.write_per_query(tmp_path / "table.tsv")
    with (tmp_path / "table.tsv").open() as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len(rows) == 13 * len(report.measures)
    mean = sum(float(row["nDCG@10"]) for row in rows if row["system"] == "rrf") / 13
    assert mean == pytest.approx(report.measures["rrf"]["nDCG@10"], abs=1e-5)


def test_runs_alone_need_no_workspace(qrels: Path, tmp_path: Path):
    write_run(tmp_path / "good.trec", {f"n{place}": [SONGS[place].id] for place in range(12)})
    write_run(tmp_path / "bad.trec", {})
    runs = {"good": tmp_path / "good.trec", "bad": tmp_path / "bad.trec"}
    report, _ = evaluate(None, None, qrels, measures=("RR@10",), runs=runs)
    assert report.measures == {"good": {"RR@10": pytest.approx(12 / 13)}, "bad": {"RR@10": 0.0}}
    assert report.against["bad"]["RR@10"].p < 0.01


def test_judged_queries_that_are_not_asked_count_nothing_and_are_named(
    workspace: Workspace, queries: Path, qrels: Path
):
    whole, _ = evaluate(workspace.state, queries, qrels)
    qrels.write_text(qrels.read_text() + "".join(f"x{number} 0 song:001 1\n" for number in range(13)))
    half, _ = evaluate(workspace.state, queries, qrels)
    assert (half.queries, half.unanswered) == (26, 13)
    assert half.measures["hazard"]["nDCG@10"] == pytest.approx(whole.measures["hazard"]["nDCG@10"] / 2)


def test_what_cannot_be_evaluated_is_refused(workspace: Workspace, queries: Path, qrels: Path):
    with pytest.raises(UsageError, match="baseline"):
        evaluate(workspace.state, queries, qrels, policies=("rrf",))
    with pytest.raises(UsageError, match="k is 0"):
        evaluate(workspace.state, queries, qrels, k=0)
    with pytest.raises(UsageError, match="nothing to evaluate"):
        evaluate(None, None, qrels)
