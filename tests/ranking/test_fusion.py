import numpy as np
import pytest

from ltrr_cli.ranking.fusion import CandidateScore, blend, lead

ONE = np.ones(1, np.float32)


def of_all(*scores: float, least: float | None = None) -> list[float]:
    """Return the gains of one strategy that scores every candidate."""
    known = np.array(scores, np.float32)[:, None]
    return blend(known, ONE, None, {0: CandidateScore("", least)}).tolist()


def test_a_strategy_that_scores_all_gains_by_score_and_by_rank():
    first, second, third = of_all(9.0, 5.0, 1.0)
    assert first == pytest.approx(1.0)
    assert second == pytest.approx(0.5 * 0.525 + 0.5 * 21 / 22)
    assert third == pytest.approx(0.5 * 0.05 + 0.5 * 21 / 23)


def test_how_much_goes_by_rank_is_said_of_each_strategy():
    known = np.array([9.0, 5.0, 1.0], np.float32)[:, None]
    by_score = blend(known, ONE, None, {0: CandidateScore("", by_rank=0.0)})
    by_rank = blend(known, ONE, None, {0: CandidateScore("", by_rank=1.0)})
    assert by_score.tolist() == pytest.approx([1.0, 0.525, 0.05])
    assert by_rank.tolist() == pytest.approx([1.0, 21 / 22, 21 / 23])


def test_scores_count_from_the_lowest_that_there_can_be():
    assert of_all(10.0, 8.0, least=0.0)[1] == pytest.approx(0.5 * 0.8 + 0.5 * 21 / 22)
    assert of_all(10.0, 8.0)[1] == pytest.approx(0.5 * 0.05 + 0.5 * 21 / 22)


def test_who_has_nothing_in_common_with_the_query_gains_nothing():
    assert of_all(3.0, np.nan, 1.0)[1] == 0.0
    assert of_all(np.nan, np.nan) == [0.0, 0.0]


def test_equal_scores_share_the_middle_rank():
    first, second, third = of_all(2.0, 2.0, 2.0)
    assert first == second == third == pytest.approx(0.5 * (0.05 + 0.95 * 0.5) + 0.5 * 21 / 22)


def test_order_within_a_strategy_never_changes():
    scores = np.random.default_rng(1).normal(size=50).astype(np.float32)
    gains = of_all(*scores.tolist(), least=-9.0)
    assert np.argsort(gains).tolist() == np.argsort(scores).tolist()


def test_an_encoder_learnt_from_the_catalog_is_worth_what_known_items_say_and_less_than_half_of_full_text():
    for own, led in ((0.9, 0.4), (0.1, 0.1)):
        weights = lead(np.array([0.8, 2.0, 2.0 * own], np.float32), 0, 2, pretrained=False)
        assert weights.tolist() == pytest.approx([2.0, 1.0, 2.0 * led])
