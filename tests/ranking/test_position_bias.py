from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.ranking.position_bias import PRIOR_SLOPE, examination, gains, inverse_weights, propensities
from ltrr_cli.ranking.swap import spread, swap

PAGE = 5
TRUTH = 1.0 / np.arange(1, PAGE + 1) ** 1.3


def logged(sessions: int, protected: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ranker that is right on average: better entities stand higher, which a naive click rate takes for bias."""
    chance = np.random.default_rng(5)
    wanted = np.array([0.9, 0.7, 0.5, 0.3, 0.1])
    clicks, odds = [], []
    for session in range(sessions):
        page = swap(PAGE, 0.5, protected, session)
        clicks.append(chance.random(PAGE) < TRUTH * wanted[page.order])
        odds.append(spread(page, PAGE))
    positions = np.tile(np.arange(1, PAGE + 1, dtype=np.int32), sessions)
    return positions, np.concatenate(clicks).astype(np.float32), np.concatenate(odds)


@pytest.fixture(scope="module")
def many() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return logged(8_000)


def test_examination_is_recovered_where_the_click_rate_is_not(many):
    found = examination(*many)
    rate = np.bincount(many[0], many[1])[1:]
    assert np.abs(np.log(found.curve / TRUTH)).max() < 0.3
    assert np.abs(np.log(found.curve / TRUTH)).max() < 0.3 * np.abs(np.log(rate / rate[0] / TRUTH)).max()
    assert found.curve[0] == 1.0


def test_sessions_make_it_surer(many):
    few = examination(*(array[:500] for array in many))
    assert (examination(*many).deviation[1:] < few.deviation[1:]).all()


def test_without_experiments_the_prior_stays():
    still = np.eye(PAGE)
    found = examination(np.arange(1, PAGE + 1, dtype=np.int32), np.ones(PAGE, np.float32), still)
    assert found.curve == pytest.approx(np.arange(1, PAGE + 1) ** -PRIOR_SLOPE)


def test_a_protected_top_leaves_only_its_own_step_to_the_prior():
    found = examination(*logged(8_000, protected=1))
    assert found.curve[1] == pytest.approx(2**-PRIOR_SLOPE, rel=1e-6)
    assert found.curve[2] / found.curve[1] == pytest.approx(TRUTH[2] / TRUTH[1], rel=0.2)


def test_a_line_that_could_not_stand_there_is_refused():
    with pytest.raises(DataError, match="could not"):
        examination(np.array([2], np.int32), np.ones(1, np.float32), np.array([[1.0, 0.0]]))
    with pytest.raises(DataError, match="could not"):
        examination(np.array([0], np.int32), np.ones(1, np.float32), np.array([[1.0, 0.0]]))
    with pytest.raises(DataError, match="2 positions"):
        examination(np.array([1, 1], np.int32), np.ones(1, np.float32), np.array([[1.0, 0.0]]))


def test_weights_grow_fuller_with_sessions_and_stay_bounded():
    rare = np.array([1.0, 0.2, 1e-6])
    by_sessions = [inverse_weights(rare, sessions) for sessions in (0, 100, 1_000, 100_000, 10**9)]
    assert all((later >= earlier).all() for earlier, later in zip(by_sessions, by_sessions[1:], strict=False))
    assert by_sessions[-1].tolist() == pytest.approx([1.0, 5.0, 50.0], rel=1e-3)


def test_weighted_clicks_are_the_odds_of_being_wanted(many):
    positions, clicks, odds = many
    lines = np.concatenate([swap(PAGE, 0.5, 0, session).order for session in range(8_000)])
    weights = (1 / propensities(odds, TRUTH)).astype(np.float32)
    assert gains(lines, clicks, weights, PAGE) == pytest.approx([0.9, 0.7, 0.5, 0.3, 0.1], abs=0.06)
    naive = gains(lines, clicks, np.ones_like(weights), PAGE)
    assert naive[2] / naive[0] < 0.3
