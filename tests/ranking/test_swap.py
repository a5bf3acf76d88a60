from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.core.errors import UsageError
from ltrr_cli.ranking.swap import chances, spread, swap

SIZES, CHANCES, TOPS, SEEDS = st.integers(0, 12), st.floats(0, 0.5), st.integers(0, 14), st.integers(0, 999)


@given(SIZES, CHANCES, TOPS, SEEDS)
def test_a_page_keeps_its_entities_and_its_protected_top_and_nobody_moves_by_more_than_one(size, chance, top, seed):
    page = swap(size, chance, top, seed)
    assert sorted(page.order.tolist()) == list(range(size))
    assert page.order[:top].tolist() == list(range(min(top, size)))
    assert (np.abs(page.order - np.arange(size)) <= 1).all()
    assert ((page.odds > 0) & (page.odds <= 1)).all()


@given(SIZES, CHANCES, TOPS, SEEDS)
def test_odds_of_an_entity_and_of_a_position_sum_to_one(size, chance, top, seed):
    table = spread(swap(size, chance, top, seed), size)
    assert table.sum(axis=0) == pytest.approx(np.ones(size))
    assert table.sum(axis=1) == pytest.approx(np.ones(size))


@given(SIZES, CHANCES, TOPS, SEEDS)
def test_the_odds_of_what_is_shown_stand_in_the_table(size, chance, top, seed):
    page = swap(size, chance, top, seed)
    assert np.diag(spread(page, size)).tolist() == page.odds.tolist()


def test_stated_odds_are_the_frequencies():
    size, draws = 5, 6_000
    seen = np.zeros((size, size))
    for seed in range(draws):
        page = swap(size, 0.4, 1, seed)
        seen[page.order, np.arange(size)] += 1
    still = swap(size, 0.0, 1, 0)
    stated = np.zeros((size, size + 2))
    for column in range(3):
        stated[np.arange(size), np.arange(size) + column] = chances(size, 0.4, 1)[:, column]
    assert still.order.tolist() == list(range(size))
    assert np.abs(seen / draws - stated[:, 1 : size + 1]).max() < 0.025


def test_the_same_seed_is_the_same_page():
    assert swap(10, 0.3, 1, 7).order.tolist() == swap(10, 0.3, 1, 7).order.tolist()
    assert any(swap(10, 0.3, 1, 7).order.tolist() != swap(10, 0.3, 1, seed).order.tolist() for seed in range(8, 12))


@pytest.mark.parametrize(("chance", "top"), [(-0.1, 0), (0.6, 0), (float("nan"), 0), (0.1, -1)])
def test_impossible_settings_are_refused(chance, top):
    with pytest.raises(UsageError):
        swap(5, chance, top, 0)
