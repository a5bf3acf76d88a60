"""Measures are ir-measures' own, to the last digit, many at a time."""

from __future__ import annotations

from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.metrics import ClickMeasures, Judge, depth_of, measure, per_query
from ltrr_cli.feedback.judgments import read_qrels

NAMES = ("nDCG@10", "RR@10", "RR", "AP", "P@5", "R@100", "Success@1", "Judged@10", "P(rel=2)@5", "NumRet", "Rprec")


def world(seed: int, queries: int = 30) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Judgments and a run with ties, queries without an answer, and queries that nobody judged."""
    chance = generator("judged world", seed)
    qrels = {
        f"q{q}": {f"d{d}": int(chance.integers(0, 4)) for d in chance.permutation(50)[: chance.integers(1, 9)]}
        for q in range(queries)
    }
    run = {
        f"q{q}": {f"d{d}": float(chance.integers(0, 8)) for d in chance.permutation(50)[: chance.integers(0, 40)]}
        for q in range(3, queries + 3)
    }
    return qrels, run


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_ir_measures_run_separately(seed: int):
    qrels, run = world(seed)
    scored = {query: page for query, page in run.items() if page}
    for name in NAMES:
        parsed = ir_measures.parse_measure(name)
        assert measure(run, qrels, [name])[name] == pytest.approx(
            ir_measures.calc_aggregate([parsed], qrels, scored)[parsed], abs=1e-12
        )
        alone = {found.query_id: found.value for found in ir_measures.iter_calc([parsed], qrels, scored)}
        together = per_query(run, qrels, NAMES)[name]
        assert together == pytest.approx(alone, abs=1e-12)


def test_the_order_of_a_page_is_its_score():
    qrels, _ = world(0)
    page = [f"d{place}" for place in range(50)]
    scored = {query: {entity: 1.0 / (rank + 1) for rank, entity in enumerate(page)} for query in qrels}
    assert measure(dict.fromkeys(qrels, page), qrels, NAMES) == measure(scored, qrels, NAMES)


@given(some.integers(0, 10_000))
def test_a_missing_answer_counts_nothing_and_never_helps(seed: int):
    qrels, run = world(seed, queries=6)
    judge = Judge(qrels, ["nDCG@10", "R@100"])
    fewer = dict(list(run.items())[::2])
    assert (judge.table(fewer) <= judge.table(run) + 1e-12).all()
    assert (judge.table({}) == 0).all()


def test_an_alias_and_its_measure_are_two_columns():
    assert measure({"q": ["a", "b"]}, {"q": {"b": 1}}, ["MRR", "RR", "MRR"]) == {"MRR": 0.5, "RR": 0.5}


@pytest.mark.parametrize("name", ["nDGC@10", "nDCG@ten", "P", "", "__import__('os')", "nDCG@10; 1", "alpha_nDCG(x=1)"])
def test_what_is_no_measure_is_a_usage_error(name: str):
    with pytest.raises(UsageError):
        Judge({"q": {"a": 1}}, [name])


def test_depth_is_that_of_the_deepest_measure():
    assert depth_of(["RR", "nDCG@10", "R@1000"]) == 1000
    assert depth_of(["AP"]) == 0


def test_qrels_are_read_and_a_bad_line_is_named(tmp_path: Path):
    path = tmp_path / "qrels.tsv"
    path.write_text("q1\t0\ta\t2\n\nq1 0 b 0\n")
    assert read_qrels(path) == {"q1": {"a": 2, "b": 0}}
    path.write_text("q1 0 a 2\nq1 0 b\n")
    with pytest.raises(DataError, match="line 2"):
        read_qrels(path)


def test_clicks_are_scored_by_the_page_alone():
    scores = ClickMeasures()
    scores.add(["a", "b", "c", "d", "e", "f"], ["f", "b", "b"])
    scores.add(["a"], [])
    assert (scores.searches, scores.clicks) == (1, 2)
    assert scores.means()["MAP@5"] == pytest.approx((0 + 1 / 2) / 2)
    assert scores.means()["R@10"] == 1.0
    ideal = 1 + 1 / np.log2(3)
    assert scores.means()["nDCG@10"] == pytest.approx((1 / np.log2(3) + 1 / np.log2(7)) / ideal)
