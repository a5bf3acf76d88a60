"""What happened in similar contexts decides, and where nothing did the model does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.allocation.knapsack import block_edges
from ltrr_cli.allocation.models.similar_examples import KEPT, NEAREST, SimilarExamples
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError

ARMS = ("a", "b", "c")
EDGES = block_edges(20)
EVEN = np.full((3, len(EDGES) - 1), 0.05)


def example(*ranks: int, weight: float = 1.0, time_ms: int = 0, arms: tuple[str, ...] = ARMS) -> BanditExample:
    bandit_context = BanditContext(arms, 20, np.ones(1, np.float32), time_ms)
    return BanditExample(bandit_context, np.array(ranks, np.int32), np.full(len(arms), 20, np.int32), weight)


def taught(*examples: BanditExample, hazard: np.ndarray = EVEN) -> SimilarExamples:
    similar = SimilarExamples()
    for each in examples:
        similar.learn(each, EDGES, hazard)
    return similar


def depths(
    similar: SimilarExamples, hazard: np.ndarray = EVEN, time_ms: int = 0, arms: tuple[str, ...] = ARMS
) -> list[int]:
    return similar.depths(arms, EDGES, hazard, 20, time_ms, 60.0).tolist()


def test_two_that_find_the_same_do_not_crowd_out_a_third_that_finds_other_things():
    both = [example(3, 3, 0)] * 60  # as often as c, but whoever has one of them needs not the other
    alone = [example(0, 0, 6)] * 40
    first, second, third = depths(taught(*both, *alone))
    assert first + second < third


def test_what_was_wanted_where_other_things_are_expected_hardly_counts():
    elsewhere = np.array([[0.6], [0.01], [0.01]]) * np.ones((1, len(EDGES) - 1))
    similar = taught(*[example(0, 0, 2)] * 200, hazard=elsewhere)
    here = np.array([[0.01], [0.3], [0.01]]) * np.ones((1, len(EDGES) - 1))
    assert np.argmax(depths(similar, here)) == 1
    assert depths(similar, elsewhere)[2] >= 3


def test_the_newest_decide_and_old_ones_fade():
    similar = taught(*[example(2, 0, 0)] * KEPT, *[example(0, 2, 0)] * KEPT)
    assert len(similar) == KEPT
    first, second, _ = depths(similar)
    assert second > first
    faded = taught(*[example(0, 0, 20, time_ms=DAY)] * NEAREST)
    assert depths(faded)[2] > depths(faded, time_ms=6_000 * DAY)[2]
    undated = taught(*[example(0, 0, 20)] * NEAREST)
    assert depths(undated) == depths(undated, time_ms=6_000 * DAY)


def test_a_strategy_that_joined_later_is_known_from_then_on():
    similar = taught(example(1, 2, 3))
    assert not similar.knows((*ARMS, "d"))
    similar.learn(example(0, 0, 0, 1, arms=(*ARMS, "d")), EDGES, np.full((4, len(EDGES) - 1), 0.05))
    assert similar.knows((*ARMS, "d"))
    assert similar.knows(("d", "b"))
    assert len(depths(similar, np.full((2, len(EDGES) - 1), 0.05), arms=("d", "b"))) == 2


@pytest.mark.parametrize("budget", [1, 7, 50, 200, 900])
def test_any_budget_can_be_covered(budget: int):
    edges = block_edges(budget)
    similar = taught(example(5, 0, 9), example(0, 40, 0))
    found = similar.depths(ARMS, edges, np.full((3, len(edges) - 1), 0.1), budget, 0, 60.0)
    assert 0 < found.sum() <= budget
    assert found.min() >= 0
    assert found.max() <= budget


def test_it_survives_the_disk_and_goes_on_as_before(tmp_path: Path):
    similar = taught(*[example(2, 0, place % 9) for place in range(30)])
    similar.save(tmp_path)
    again = SimilarExamples.open(tmp_path)
    for each in (similar, again):
        each.learn(example(0, 4, 0), EDGES, EVEN)
    assert depths(similar) == depths(again)
    (tmp_path / "similar.npz").write_bytes(b"nothing")
    with pytest.raises(DamagedError):
        SimilarExamples.open(tmp_path)
    assert len(SimilarExamples.open(tmp_path / "elsewhere")) == 0
