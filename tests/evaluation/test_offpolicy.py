"""Off-policy estimators: unbiased where they promise it, honest about what they rest on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation.offpolicy import (
    BY_EXPOSURE,
    Exposures,
    effective_sample_size,
    estimate,
    of_pages,
    pseudo_inverse_slots,
    replayed,
)
from ltrr_cli.evaluation.reward_model import means_by_fold, ridge_by_fold

pytestmark = pytest.mark.turns(3)  # each draws some thousand logs

WORTH = np.array([0.5, 0.2, 0.05, 0.0])
LOGGED = np.array([0.1, 0.2, 0.3, 0.4])
TARGET = np.array([0.7, 0.2, 0.1, 0.0])


def bandit(seed: int, rows: int = 1_000, *, predicted: np.ndarray | None = None, session: int = 1) -> Exposures:
    """A log of four actions, weighed for a target whose worth is known."""
    chance = generator("bandit", seed)
    model = np.zeros(4) if predicted is None else predicted
    action = chance.choice(4, rows, p=LOGGED)
    reward = (chance.random(rows) < WORTH[action]).astype(np.float64)
    one = np.ones(rows)
    direct = np.full(rows, float(TARGET @ model))
    return Exposures(np.arange(rows), reward, (TARGET / LOGGED)[action], one, model[action], one, direct,
                     np.arange(rows) // session)  # fmt: skip


@pytest.mark.parametrize("estimator", BY_EXPOSURE)
def test_the_mean_over_many_logs_is_the_truth(estimator: str):
    truth = float(TARGET @ WORTH)
    values = [estimate(bandit(seed, predicted=np.array([0.9, 0.0, 0.3, 0.1])), estimator).value for seed in range(80)]
    spread = float(np.std(values)) / len(values) ** 0.5
    assert float(np.mean(values)) == pytest.approx(truth, abs=4 * spread + 1e-3)


def test_a_good_model_makes_dr_steadier_than_ips():
    names = ("ips", "dr")
    worth = {name: [estimate(bandit(seed, predicted=WORTH), name).value for seed in range(60)] for name in names}
    assert np.std(worth["dr"]) < 0.9 * np.std(worth["ips"])


def test_the_interval_covers_the_truth_about_95_times_in_100():
    truth = float(TARGET @ WORTH)
    inside = [found.low <= truth <= found.high for seed in range(100) if (found := estimate(bandit(seed, 800), "dr"))]
    assert 0.88 <= float(np.mean(inside)) <= 1.0


def test_sessions_that_repeat_themselves_widen_the_interval():
    apart = estimate(bandit(1, 600), "ips")
    log = bandit(1, 600)
    again = Exposures(
        np.arange(2_400), *(np.tile(values, 4) for values in (log.reward, log.weight, log.examined, log.predicted,
                                                               log.mass, log.direct)), np.tile(log.cluster, 4)
    )  # fmt: skip
    told = estimate(again, "ips")
    assert told.value == pytest.approx(apart.value)
    assert told.high - told.low == pytest.approx(apart.high - apart.low, rel=0.1)


def test_the_logging_policy_s_own_value_is_the_mean_of_its_log():
    chance = generator("own")
    reward = chance.random(300)
    one = np.ones(300)
    log = Exposures(np.arange(300), reward, one, one, one * 0.4, one, one * 0.4, np.arange(300))
    for name in BY_EXPOSURE:
        found = estimate(log, name)
        assert found.value == pytest.approx(reward.mean())
        assert (found.ess, found.unsupported) == (pytest.approx(300), pytest.approx(0.0))


@given(some.lists(some.integers(0, 1_000), min_size=1, max_size=50))
def test_the_effective_sample_size_lies_between_one_and_all(weights: list[int]):
    weight = np.array(weights) / 7.0
    ess = effective_sample_size(weight)
    assert ess == 0.0 if not weight.any() else 1.0 - 1e-9 <= ess <= len(weight) + 1e-9


@given(some.integers(0, 1_000))
def test_snips_stays_within_the_rewards_that_were_seen(seed: int):
    found = estimate(bandit(seed, 40), "snips")
    assert np.isnan(found.value) or -1e-9 <= found.value <= 1.0 + 1e-9


def test_what_the_log_never_shows_is_named():
    log = bandit(3)
    never = Exposures(log.search, log.reward, log.weight * 0.6, log.examined, log.predicted, log.mass, log.direct,
                      log.cluster)  # fmt: skip
    assert estimate(never, "ips").unsupported == pytest.approx(0.4, abs=0.06)
    assert estimate(log, "ips").unsupported < 0.08


def test_one_heavy_weight_is_named():
    log = bandit(4, 500)
    weight = log.weight.copy()
    weight[7] = 20_000.0
    heavy = Exposures(log.search, log.reward, weight, log.examined, log.predicted, log.mass, log.direct, log.cluster)
    found = estimate(heavy, "ips")
    assert found.largest > 0.9
    assert found.ess < 2.0


def slates(seed: int, pages: int, additive: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Pages of three positions filled independently from three entities; the target always takes the first."""
    chance = generator("slates", seed)
    odds = np.array([0.2, 0.3, 0.5])
    chosen = chance.choice(3, (pages, 3), p=odds)
    worth = np.array([[0.3, 0.1, 0.0], [0.2, 0.3, 0.1], [0.1, 0.0, 0.2]])
    total = worth[np.arange(3), chosen].sum(axis=1)
    reward = total if additive else total * (chosen[:, 0] == 0)
    truth = float(worth[:, 0].sum())
    return (chosen == 0) / odds[0], reward + chance.normal(0, 0.05, pages), truth


def test_whole_pages_and_additive_pages_agree_with_the_truth():
    weight, reward, truth = slates(1, 20_000, additive=True)
    alone = np.arange(len(reward))
    whole = of_pages(reward, weight.prod(axis=1), alone, "slate")
    additive = of_pages(reward, pseudo_inverse_slots(weight), alone, "pi")
    assert whole.low <= truth <= whole.high
    assert additive.low <= truth <= additive.high
    assert additive.high - additive.low < 0.5 * (whole.high - whole.low)


def pseudo_inverse_weight(target: np.ndarray, gram: np.ndarray, shown: np.ndarray) -> float:
    """Return ``q' G+ 1_s``: the weight of one logged page under an additive reward.

    target -- (d,) odds of each (position, entity) under the target
    gram   -- (d, d) ``E[1_s 1_s']`` over the pages that the logging policy may show
    shown  -- (d,) 0/1, the page that was shown

    >>> pseudo_inverse_weight(np.array([1.0, 0.0]), np.diag([0.5, 0.5]), np.array([1.0, 0.0]))
    2.0
    """
    return float(target @ np.linalg.pinv(gram, hermitian=True) @ shown)


def test_the_pseudo_inverse_of_independent_positions_is_the_sum_form():
    odds = np.array([0.2, 0.3, 0.5])
    pages = np.array(np.meshgrid(*[np.arange(3)] * 2)).reshape(2, -1).T
    chance = odds[pages].prod(axis=1)
    onehot = np.zeros((len(pages), 6))
    onehot[np.arange(len(pages)), pages[:, 0]] = onehot[np.arange(len(pages)), 3 + pages[:, 1]] = 1.0
    gram = (onehot * chance[:, None]).T @ onehot
    target = np.array([0.6, 0.4, 0.0, 0.1, 0.1, 0.8])
    for page, shown in zip(pages, onehot, strict=True):
        weight = np.array([[target[page[0]] / odds[page[0]], target[3 + page[1]] / odds[page[1]]]])
        assert pseudo_inverse_weight(target, gram, shown) == pytest.approx(float(pseudo_inverse_slots(weight)[0]))


def test_replay_is_the_mean_of_what_matches():
    reward, matched = np.array([1.0, 0.0, 0.0, 1.0]), np.array([True, True, False, False])
    found = replayed(reward, matched, np.arange(4))
    assert (found.value, found.ess) == (0.5, 2.0)
    assert np.isnan(replayed(reward, ~matched & matched, np.arange(4)).value)


def test_models_never_see_the_session_they_are_asked_about():
    chance = generator("folds")
    cluster = np.repeat(np.arange(50), 4)
    features = chance.random((200, 3))
    reward, examined = chance.random(200), np.ones(200)
    before, asked = ridge_by_fold(features, reward, examined, cluster, features[:20], cluster[:20])
    mine = cluster == 3
    turned = np.where(mine, 1.0 - reward, reward)
    after, _ = ridge_by_fold(features, turned, examined, cluster, features[:20], cluster[:20])
    assert after[mine] == pytest.approx(before[mine])
    assert not np.allclose(after[~mine], before[~mine])
    assert asked == pytest.approx(before[:20])


def test_the_model_finds_the_worth_behind_the_examination():
    chance = generator("ridge")
    features = np.concatenate([np.ones((20_000, 1)), chance.random((20_000, 1))], axis=1)
    examined = 1.0 / chance.integers(1, 11, 20_000)
    reward = (chance.random(20_000) < examined * (features @ [0.1, 0.5])).astype(np.float64)
    found, _ = ridge_by_fold(features, reward, examined, np.arange(20_000), features[:1], np.zeros(1, np.int64))
    assert np.abs(found - features @ [0.1, 0.5]).max() < 0.05


def test_means_are_of_other_folds_and_shrunken():
    group = np.array([0, 0, 1, 1, 0])
    table, fold = means_by_fold(group, np.array([1.0, 1.0, 0.0, 0.0, 1.0]), np.arange(5))
    assert table.shape == (5, 2)
    assert fold.tolist() == [0, 1, 2, 3, 4]
    assert ((table > 0.0) & (table < 1.0)).all()
    assert (table[:, 0] > table[:, 1]).all()
