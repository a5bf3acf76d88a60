"""What every allocation policy promises: it states exact odds and never rolls dice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.allocation.draw import draw
from ltrr_cli.allocation.knapsack import allocate, edges_for
from ltrr_cli.allocation.policy import BanditContext, BanditExample, Menu, Policy
from ltrr_cli.allocation.policy_registry import new_policy, open_policy
from ltrr_cli.allocation.propensity import filled, inclusion
from ltrr_cli.core.config import AllocationSettings
from ltrr_cli.core.errors import DamagedError, UsageError

ARMS = ("lexical", "dense", "memory", "popular", "explore")
POLICIES = (
    "hazard",
    "hazard(exploration=0)",
    "thompson",
    "thompson(draws=3,floor=0.2)",
    "linucb(alpha=0.5)",
    "squarecb",
    "epsilon",
    "uniform",
    "random",
    "fixed(lexical=40,memory=60)",
)


def bandit_context(budget: int = 50, *, hit: float = 0.0, explore: bool = True, day: int = 0) -> BanditContext:
    return BanditContext(ARMS, budget, np.array([1.0, hit, 0.3], np.float32), day * 86_400_000, explore=explore)


def example(arm: str, rank: int, *, hit: float = 0.0, depth: int = 50, day: int = 0) -> BanditExample:
    ranks = np.array([rank if name == arm else 0 for name in ARMS], np.int32)
    return BanditExample(bandit_context(hit=hit, day=day), ranks, np.full(len(ARMS), depth, np.int32), 1.0)


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> Policy:
    return new_policy(AllocationSettings(), request.param)


@pytest.mark.parametrize("budget", [1, 2, 3, 7, 50, 200, 999])
def test_every_allocation_spends_the_budget_and_odds_sum_to_one(policy: Policy, budget: int):
    menu = policy.menu(bandit_context(budget))
    assert menu.draws.shape == (len(menu.odds), len(ARMS))
    assert (menu.draws >= 0).all()
    assert (menu.draws.sum(axis=1) == budget).all()
    assert (menu.odds > 0).all()
    assert menu.odds.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_same_situation_gives_the_same_menu(policy: Policy):
    first, second = policy.menu(bandit_context()), policy.menu(bandit_context())
    np.testing.assert_array_equal(first.draws, second.draws)
    np.testing.assert_array_equal(first.odds, second.odds)


def test_names_print_and_parse_back(policy: Policy):
    assert str(new_policy(AllocationSettings(), str(policy))) == str(policy)


def test_what_was_learnt_survives_the_disk(policy: Policy, tmp_path: Path):
    policy.learn([example("memory", 1), example("lexical", 7)])
    policy.save(tmp_path)
    again = open_policy(AllocationSettings(), tmp_path, str(policy))
    np.testing.assert_array_equal(policy.menu(bandit_context()).draws, again.menu(bandit_context()).draws)


def test_lessons_taken_in_at_once_decide_as_lessons_one_by_one(policy: Policy):
    arms = (("memory", 1), ("memory", 3), ("lexical", 7), ("dense", 0), ("memory", 12))
    examples = [example(arm, rank) for arm, rank in arms] * 12
    at_once = new_policy(AllocationSettings(), str(policy))
    at_once.start([replace(one, real=False) for one in examples])
    policy.learn([replace(one, real=False) for one in examples])
    one_by_one, together = (each.menu(bandit_context(explore=False)).draws[0] for each in (policy, at_once))
    assert np.abs(one_by_one - together).max() <= 4
    unmoved = new_policy(AllocationSettings(), str(policy)).menu(bandit_context(explore=False)).draws[0]
    assert str(policy).startswith(("uniform", "random", "fixed")) or (together != unmoved).any()


def test_without_exploration_there_is_one_allocation(policy: Policy):
    assert len(policy.menu(bandit_context(explore=False)).odds) == 1


@pytest.mark.parametrize(
    "name", ["nobody", "hazard(", "hazard(depth=3)", "fixed", "fixed(lexical=x)", "hazard(exploration=2)"]
)
def test_a_bad_name_is_a_usage_error(name: str):
    with pytest.raises(UsageError):
        new_policy(AllocationSettings(), name).menu(bandit_context())


def test_the_hazard_learns_who_finds_what_in_which_context():
    policy = new_policy(AllocationSettings(), "hazard(exploration=0)")
    for _ in range(60):
        policy.learn([example("memory", 1, hit=1.0), example("dense", 18, hit=0.0)])
    known, unknown = (
        dict(zip(ARMS, policy.menu(bandit_context(20, hit=hit)).draws[0].tolist(), strict=True)) for hit in (1.0, 0.0)
    )
    assert known["memory"] >= 2  # what it found was always first
    assert unknown["memory"] <= 4  # the first examples came before any difference was known
    assert unknown["dense"] >= 16  # what it found lay between the 10th and the 20th


def test_a_strategy_that_breaks_loses_its_share_and_another_takes_over():
    policy = new_policy(AllocationSettings(), "hazard(exploration=0)")
    policy.learn([example("memory", 1 + place % 9) for place in range(200)])
    memory, dense = ARMS.index("memory"), ARMS.index("dense")
    before = policy.menu(bandit_context(20)).draws[0]
    policy.learn([example("dense", 1 + place % 9) for place in range(200)])  # memory brings nothing any more
    after = policy.menu(bandit_context(20)).draws[0]
    assert before[memory] > before[dense]
    assert after[memory] < before[memory]
    assert after[dense] > before[dense]


def test_frozen_it_decides_but_learns_nothing():
    policy = new_policy(AllocationSettings(freeze=True), "hazard")
    before = policy.menu(bandit_context()).draws
    policy.learn([example("memory", 1)] * 50)
    np.testing.assert_array_equal(policy.menu(bandit_context()).draws, before)


def test_who_leads_before_any_click_yields_to_what_clicks_say():
    lead = np.array([0.5, 0.5, 0.0, 0.0, 0.0], np.float32)
    policy = new_policy(AllocationSettings(), "hazard(exploration=0)")

    def of_two() -> int:
        return int(policy.menu(replace(bandit_context(), lead=lead)).draws[0, :2].sum())

    first = of_two()
    assert first >= 25
    policy.learn([example("memory", 1 + number % 40) for number in range(300)])
    assert of_two() < first


def test_guardrails_hold():
    policy = new_policy(AllocationSettings(minimum={"explore": 0.2}, maximum={"lexical": 0.1}), "hazard(exploration=0)")
    draws = dict(zip(ARMS, policy.menu(bandit_context(100)).draws[0].tolist(), strict=True))
    assert draws["explore"] >= 20
    assert draws["lexical"] <= 10


def test_old_lessons_fade():
    """Where there are enough of them: a slow catalog keeps its few."""
    for count, fades in ((600, True), (40, False)):
        young, old = (
            new_policy(AllocationSettings(half_life_days=days), "hazard(exploration=0)") for days in (1.0, 1e9)
        )
        for policy in (young, old):
            policy.learn([example("memory", 1, day=1)] * count)
            policy.learn([example("dense", 1, day=61)] * 40)
        place = ARMS.index("dense")
        first, second = (policy.chances(bandit_context(day=61))[1][place, 0] for policy in (young, old))
        assert (first > second + 1e-6) == fades


def test_a_damaged_policy_says_so(tmp_path: Path):
    policy = new_policy(AllocationSettings(), "hazard")
    policy.learn([example("memory", 1)])
    policy.save(tmp_path)
    (tmp_path / "hazard.npz").write_bytes((tmp_path / "hazard.npz").read_bytes()[:-40])
    with pytest.raises(DamagedError):
        open_policy(AllocationSettings(), tmp_path)


@pytest.mark.turns(4)
def test_drawn_allocations_match_the_odds():
    """Chi-square over 10^5 seeded redraws."""
    menu = Menu(np.eye(5, dtype=np.int32), np.array([0.4, 0.25, 0.2, 0.1, 0.05]))
    count = 100_000
    seen = np.bincount([draw(menu, seed)[0] for seed in range(count)], minlength=5)
    expected = menu.odds * count
    assert ((seen - expected) ** 2 / expected).sum() < 18.47  # 99.9 % of chi-square with 4 degrees of freedom


@given(st.integers(0, 10_000), st.integers(1, 30))
def test_an_allocation_is_filled_with_distinct_candidates(seed: int, budget: int):
    chance = np.random.default_rng(seed)
    ranks = np.full((20, 3), np.nan, np.float32)
    for arm in range(3):
        brought = chance.permutation(20)[: int(chance.integers(0, 20))]
        ranks[brought, arm] = np.arange(1, len(brought) + 1)
    ranks = ranks[np.isfinite(ranks).any(axis=1)]
    draws = allocate(chance.random((3, len(edges_for(budget)) - 1)) * 0.9, edges_for(budget), budget,
                     np.zeros(3, np.int32), np.full(3, budget, np.int32))  # fmt: skip
    chosen = filled(ranks, draws, budget)
    assert chosen.sum() == min(budget, len(ranks))
    within = (ranks <= draws).any(axis=1)
    assert (chosen | ~within).all()


def exposure(order: np.ndarray, included: np.ndarray, odds: np.ndarray, page: np.ndarray) -> np.ndarray:
    """Return (k,) odds that each candidate of ``page`` stands at the position it stands at.

    order    -- all candidates, best first by the ranker
    included -- (a, n) bool under each allocation; odds -- (a,) of each allocation
    page     -- (k,) candidates as shown, position 1 first
    """
    in_order = included[:, order]  # (a, n)
    positions = np.cumsum(in_order, axis=1)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    shown = place[page]  # (k,)
    there = in_order[:, shown] & (positions[:, shown] == np.arange(1, len(page) + 1))
    return odds @ there


def test_inclusion_and_exposure_are_exact():
    ranks = np.array([[1, np.nan], [2, np.nan], [np.nan, 1], [3, 2]], np.float32)
    menu = Menu(np.array([[2, 0], [1, 1]], np.int32), np.array([0.75, 0.25]))
    odds, included = inclusion(ranks, menu, 2)
    assert odds.tolist() == [1.0, 0.75, 0.25, 0.0]
    order = np.array([2, 0, 1, 3], np.int32)  # the ranker prefers the third candidate
    first = exposure(order, included, menu.odds, np.array([0, 1], np.int32))
    assert first.tolist() == [0.75, 0.75]
    second = exposure(order, included, menu.odds, np.array([2, 0], np.int32))
    assert second.tolist() == [0.25, 0.25]


@given(st.integers(0, 10_000))
def test_the_knapsack_is_the_best_there_is_for_concave_gains(seed: int):
    chance = np.random.default_rng(seed)
    edges = np.array([0, 1, 2, 3, 4], np.int32)
    hazards = -np.sort(-chance.random((3, 4)) * 0.9, axis=1)
    none, all_ = np.zeros(3, np.int32), np.full(3, 4, np.int32)
    draws = allocate(hazards, edges, 4, none, all_)
    gain = np.concatenate([np.zeros((3, 1)), np.cumsum(-np.log1p(-hazards), axis=1)], axis=1)

    def worth(split: tuple[int, ...]) -> float:
        return float(sum(gain[arm, depth] for arm, depth in enumerate(split)))

    splits = [(a, b, 4 - a - b) for a in range(5) for b in range(5 - a)]
    assert worth(tuple(draws.tolist())) == pytest.approx(max(map(worth, splits)))
