from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.ranking.comparison import Verdict, compare, importances, mean_measures, paired_interval, per_search
from ltrr_cli.ranking.model import Examples
from ltrr_cli.ranking.subsample import sampled
from tests.ranking.made import SCHEMA, made


def searches(*labels: list[float]) -> Examples:
    flat = np.array([label for search in labels for label in search], np.float32)
    groups = np.repeat(np.arange(len(labels), dtype=np.int32), [len(search) for search in labels])
    return Examples(np.zeros((len(flat), 0), np.float32), flat, groups, np.ones_like(flat), np.zeros_like(flat))


def falling(examples: Examples) -> np.ndarray:
    return -np.arange(len(examples.labels), dtype=np.float32)


def test_measures_are_those_of_the_textbook():
    examples = searches([0, 2, 1], [1, 0, 0], [0, 0, 0])
    found = per_search(examples, falling(examples))
    ideal = 2 + 1 / np.log2(3)
    assert found["nDCG@10"] == pytest.approx([(2 / np.log2(3) + 1 / 2) / ideal, 1, 0])
    assert found["RR"].tolist() == [0.5, 1.0, 0.0]
    assert found["AP@5"] == pytest.approx([(1 / 2 + 2 / 3) / 2, 1.0, 0.0])


def test_the_same_figures_as_the_reference_implementation():
    ir_measures = pytest.importorskip("ir_measures")
    examples = made(30, 25, grades=4)
    scores = np.random.default_rng(3).normal(size=len(examples.labels)).astype(np.float32)
    names = [(str(group), str(line)) for line, group in enumerate(examples.groups)]
    qrels = [ir_measures.Qrel(*name, int(label)) for name, label in zip(names, examples.labels, strict=True)]
    run = [ir_measures.ScoredDoc(*name, float(score)) for name, score in zip(names, scores, strict=True)]
    reference = ir_measures.calc_aggregate([ir_measures.nDCG @ 10, ir_measures.RR, ir_measures.nDCG @ 3], qrels, run)
    ours = {**mean_measures([per_search(examples, scores, 3)]), **mean_measures([per_search(examples, scores)])}
    assert {str(name): value for name, value in reference.items()} == pytest.approx(
        {name: ours[name] for name in ("nDCG@10", "RR", "nDCG@3")}, abs=1e-6
    )


def test_ties_and_scores_that_are_no_number_fall_against_us():
    examples = searches([1, 0, 0])
    for scores in ([0, 0, 0], [np.nan, 0, 0]):
        assert per_search(examples, np.array(scores, np.float32))["RR"].tolist() == [1 / 3]


def test_a_perfect_challenger_is_better_and_a_reversed_one_is_not():
    examples = made(60)
    assert compare(examples, examples.labels).better
    assert not compare(examples, -examples.labels).better


def test_the_same_order_is_not_better():
    examples = made(60)
    verdict = compare(examples, examples.baseline)
    assert not verdict.better
    assert (verdict.low, verdict.high) == (0.0, 0.0)


def test_a_higher_mean_that_may_well_be_a_loss_is_not_better():
    gain = np.array([0.9, *[-0.02] * 30])
    low, high = paired_interval(gain)
    assert gain.mean() > 0 > low
    measure = {"nDCG@10": 0.5}
    assert not Verdict(measure, measure, gain, low, high).better
    assert Verdict(measure, measure, gain, -0.004, high).better


@pytest.mark.turns(4)
def test_the_interval_holds_the_true_difference_about_as_often_as_it_says():
    chance = np.random.default_rng(1)
    held = [low <= 0.1 <= high for low, high in (paired_interval(chance.normal(0.1, 1, 80)) for _ in range(60))]
    assert 0.75 <= np.mean(held) <= 1.0


def test_another_model_can_be_what_serves():
    examples = made(60)
    verdict = compare(examples, examples.labels, serving=-examples.labels, k=5)
    assert verdict.searches == 60
    assert verdict.challenger["nDCG@5"] == 1.0 > verdict.serving["nDCG@5"]
    assert set(verdict.measures()) == {"trained", "serving", "difference"}


def test_nothing_to_judge_on_is_said():
    empty = replace(made(2), labels=np.empty(0, np.float32))
    with pytest.raises(DataError, match="held out"):
        compare(empty, np.empty(0, np.float32))


def test_shuffling_a_column_that_the_ranker_does_not_use_costs_nothing():
    examples = made(60)

    class First:
        algorithm, schema, anchor = "first", SCHEMA, 2.0

        def score(self, features: np.ndarray) -> np.ndarray:
            return np.nan_to_num(features[:, 0])

        def save(self, folder: Path) -> None:
            raise NotImplementedError

    lost = importances(examples, First())
    used = SCHEMA.names[0]
    assert lost[used] > 0
    assert all(loss == 0.0 for name, loss in lost.items() if name != used)


def test_thinned_lines_keep_the_head_the_rewarded_and_the_weight_of_the_rest():
    lines = 30_000
    chance = np.random.default_rng(0)
    labels = (chance.random(lines) < 0.01).astype(np.float32)
    groups = np.repeat(np.arange(100, dtype=np.int32), 300)
    baseline = chance.random(lines).astype(np.float32)
    whole = Examples(baseline[:, None], labels, groups, np.ones(lines, np.float32), baseline)
    kept = sampled(whole)
    assert len(kept.labels) < lines / 3
    assert kept.labels.sum() == labels.sum()
    assert kept.weights.sum() == pytest.approx(lines, rel=0.05)
    assert sampled(replace(whole, baseline=np.zeros(lines, np.float32))) is not kept
    assert len(sampled(replace(whole, baseline=np.zeros(lines, np.float32))).labels) == lines
