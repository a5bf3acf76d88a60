from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event
from ltrr_cli.feedback.rewards import Rewards, scale_of
from ltrr_cli.storage.journal_kinds import EventKind


def worth(kind: str, value: float | None = None, kinds: tuple[EventKind, ...] = (), **settings: object) -> float:
    return Rewards(FeedbackSettings(**settings), kinds).of(Event("e", kind, 0, "a", value=value))


@pytest.mark.parametrize(
    ("kind", "value", "reward"),
    [
        ("click", None, 1.0),
        ("click", 0.0, 1.0),
        ("play", 13_883.0, 1.0),
        ("skip", None, -0.3),
        ("dislike", None, -1.0),
        ("remove", None, -0.5),
        ("remove_from_cart", None, -0.5),
        ("Order Refunded", 49.9, -1.0),
        ("view_item", None, 0.1),
        ("impression", None, 0.0),
        ("dwell", None, 1.0),
        ("dwell", 15.0, 0.5),
        ("dwell", 600.0, 1.0),
        ("dwell", -5.0, 0.0),
        ("share", None, 1.0),
        ("wobble", None, 0.0),
        ("wobble", 5.0, 0.0),
        ("purchase", -2.0, -1.0),
        ("upvote", -1.0, -1.0),
    ],
)
def test_without_settings_a_name_is_worth_what_it_usually_means(kind, value, reward):
    assert worth(kind, value) == pytest.approx(reward)


def test_the_settings_have_the_last_word_however_the_name_is_written():
    rewards = {"view": 0.2, "click": 0.5, "Product Added": 0.7, "wobble": -0.4, "add_to_cart": 0.6}
    assert worth("view", rewards=rewards) == 0.2
    assert worth("click", rewards=rewards) == 0.5
    assert worth("product_added", rewards=rewards) == 0.7
    assert worth("Wobbles", rewards={"wobbles": -0.4}) == -0.4
    assert worth("add", rewards=rewards) == 0.6  # what the UBI reader makes of add_to_cart
    assert worth("purchase", rewards=rewards) == 1.0  # what is not listed keeps its usual worth
    assert worth("squeak", default_reward=0.25) == 0.25


def test_rewards_are_clipped():
    assert worth("purchase", rewards={"purchase": 10.0}) == 1.0
    assert worth("refund", rewards={"refund": -7.0}) == -1.0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((1, 2, 3, 4, 5), (-1.0, -0.5, 0.0, 0.5, 1.0)),
        ((1, 5), (-1.0, 1.0)),
        ((1, 1), (-1.0, -1.0)),
        ((0.5, 2.75, 5), (-1.0, 0.0, 1.0)),
        ((0, 5), (-1.0, 1.0)),
        ((0, 1), (-1.0, 1.0)),
        ((0.2, 0.5, 0.9), (-0.6, 0.0, 0.8)),
        ((1, 10), (-1.0, 1.0)),
        ((2, 8), (-7 / 9, 5 / 9)),
        ((20, 50, 95), (-0.6, 0.0, 0.9)),
        ((-1, 1), (-1.0, 1.0)),
        ((-2, 5), (-0.4, 1.0)),
    ],
)
def test_ratings_are_read_on_the_scale_that_all_of_them_fit(given, expected):
    kinds = (EventKind("rating", len(given), min(given), max(given), all(value % 1 == 0 for value in given)),)
    assert [worth("rating", value, kinds) for value in given] == pytest.approx(expected)


def test_a_scale_may_be_set_and_a_rating_without_a_value_says_nothing():
    assert worth("stars", 7.0, rating_scales={"stars": (1.0, 7.0)}) == 1.0
    assert worth("Stars", 4.0, (EventKind("Stars", 9, 2.0, 5.0),), rating_scales={"stars": (1.0, 7.0)}) == 0.0
    assert worth("rating", 5.0, rewards={"rating": 0.5}) == 0.5
    assert worth("rating") == 0.0
    with pytest.raises(DataError, match=r"rating_scales: stars"):
        worth("stars", 1.0, rating_scales={"stars": (5.0, 1.0)})


@pytest.mark.parametrize(
    ("value", "dwell_seconds", "reward"),
    [(3.0, 0.0, 1.0), (3.0, 10.0, -0.3), (10.0, 10.0, 1.0), (None, 10.0, 1.0), (0.0, 10.0, -0.3)],
)
def test_a_click_on_which_nobody_stayed_is_a_skip_where_the_settings_say_so(value, dwell_seconds, reward):
    assert worth("click", value, dwell_seconds=dwell_seconds) == reward
    assert worth("play", value, dwell_seconds=dwell_seconds) == 1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_every_rating_is_worth_between_minus_one_and_one_and_more_is_never_less(values):
    low, high = scale_of(min(values), max(values), all(value % 1 == 0 for value in values))
    assert low < high
    kinds = (EventKind("rating", len(values), min(values), max(values), all(value % 1 == 0 for value in values)),)
    found = [worth("rating", value, kinds) for value in sorted(values)]
    assert found == sorted(found)
    assert -1.0 <= found[0] <= found[-1] <= 1.0


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [("click", None, True), ("dislike", None, True), ("rating", 3.0, True), ("impression", None, False),
     ("wobble", None, False), ("view", None, False), ("purchase", 9.0, True)],
)  # fmt: skip
def test_what_somebody_only_saw_is_nothing_that_they_did(kind, value, says):
    assert Rewards(FeedbackSettings()).says_something(Event("e", kind, 0, "a", value=value)) is says
