from __future__ import annotations

import random

import pytest

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.types import Event, Impression
from ltrr_cli.feedback.guards import Guard, Suspect

SETTINGS = FeedbackSettings(user_daily_cap=10, rewards={"click": 1.0, "play": 1.0, "skip": -0.3, "view": 0.0})


def event(n: int = 0, entity: str = "a", time_ms: int | None = 0, **more: object) -> Event:
    return Event(**({"event_id": f"e{n:05}", "kind": "click", "time_ms": time_ms, "entity_id": entity} | more))


def test_the_same_action_of_one_person_counts_once_a_day():
    guard = Guard(SETTINGS)
    first = event(query="Kind of Blue", user="u")
    again = event(1, query="kind of BLUE!", user="u", time_ms=DAY - 1)
    assert [guard.weight(first), guard.weight(again)] == [1.0, 0.0]
    assert guard.weight(event(2, query="kind of blue", user="u", time_ms=DAY)) == 1.0


@pytest.mark.parametrize(
    "other",
    [
        {"entity": "b", "user": "u", "query": "q"},
        {"user": "v", "query": "q"},
        {"user": "u", "query": "r"},
        {"user": "u"},
        {"session": "u", "query": "q"},
        {"user": "u", "query": "q", "kind": "skip"},
    ],
)
def test_another_action_counts_by_itself(other):
    guard = Guard(SETTINGS)
    guard.weight(event(query="q", user="u"))
    assert guard.weight(event(1, **other)) == 1.0


def test_clicking_and_then_playing_is_one_proof():
    guard = Guard(SETTINGS)
    weights = [guard.weight(event(n, kind=kind, user="u")) for n, kind in enumerate(["click", "play", "skip", "skip"])]
    assert weights == [1.0, 0.0, 1.0, 0.0]


def test_a_type_without_reward_uses_nothing_up():
    guard = Guard(SETTINGS)
    assert [guard.weight(event(n, kind=kind, user="u")) for n, kind in enumerate(["view", "click"])] == [0.0, 1.0]


def test_of_several_acts_the_strongest_counts_and_no_more():
    def total(*kinds: str) -> float:
        worth = {"view_item": 0.1, "click": 0.4, "purchase": 1.0, "skip": -0.3, "dislike": -1.0, "remove": -0.5}
        guard = Guard(FeedbackSettings(rewards=worth))
        return sum(worth[kind] * guard.weight(event(n, kind=kind, user="u")) for n, kind in enumerate(kinds))

    assert total("view_item", "click", "purchase", "click") == pytest.approx(1.0)
    assert total("purchase", "view_item", "click") == pytest.approx(1.0)
    assert total("view_item", "view_item", "view_item") == pytest.approx(0.1)
    assert total("click", "view_item") == pytest.approx(0.4)
    assert total("skip", "remove", "skip", "dislike") == pytest.approx(-1.0)
    assert total("purchase", "dislike") == pytest.approx(0.0)


def test_a_look_does_not_use_up_what_a_purchase_proves_whatever_the_cap():
    guard = Guard(FeedbackSettings(user_daily_cap=1))
    assert guard.weight(event(kind="view_item", user="u")) == 1.0
    assert guard.weight(event(1, entity="b", user="u")) == 0.0


def test_query_and_person_are_those_of_the_page_that_is_named():
    guard = Guard(SETTINGS)
    page = Impression("i", 0, "blue", "live", "u", "s")
    assert guard.weight(event(impression_id="i"), page) == 1.0
    assert guard.weight(event(1, query="Blue", user="u")) == 0.0
    assert guard.weight(event(2, impression_id="j"), Impression("j", 0, "red", "live", "u")) == 1.0


def test_beyond_the_daily_cap_nothing_counts():
    guard = Guard(SETTINGS)
    weights = [guard.weight(event(n, entity=str(n), user="u")) for n in range(30)]
    assert weights == [1.0] * 10 + [0.0] * 20
    assert guard.weight(event(31, entity="x", user="v")) == 1.0
    assert guard.weight(event(32, entity="x", user="u", time_ms=DAY)) == 1.0


def test_repeats_do_not_use_up_the_cap():
    guard = Guard(SETTINGS)
    total = sum(guard.weight(event(n, entity=str(n % 10), user="u")) for n in range(1_000))
    assert total == 10.0


def test_sessions_stand_for_users_only_where_there_is_none():
    guard = Guard(SETTINGS)
    assert guard.weight(event(session="s", user="u")) == 1.0
    assert guard.weight(event(1, session="s")) == 1.0
    assert guard.weight(event(2, session="t", user="u")) == 0.0


def test_a_thousand_nameless_clicks_on_one_pair_weigh_about_seven_and_a_half():
    guard = Guard(SETTINGS)
    total = sum(guard.weight(event(n, query="q")) for n in range(1_000))
    assert total == pytest.approx(7.4855, abs=1e-3)


def test_nameless_logs_are_not_silenced_by_the_cap():
    guard = Guard(SETTINGS)
    assert sum(guard.weight(event(n, entity=str(n))) for n in range(1_000)) == 1_000.0


def test_without_a_time_repeats_count_once_and_no_cap_applies():
    guard = Guard(SETTINGS)
    weights = [guard.weight(event(n, entity=str(n % 50), user="u", time_ms=None)) for n in range(100)]
    assert weights == [1.0] * 50 + [0.0] * 50
    assert guard.suspects() == []


def test_the_abnormally_busy_are_named():
    guard = Guard(SETTINGS)
    for n in range(40):
        guard.weight(event(n, entity=str(n), user="crawler"))
    for n in range(100):
        guard.weight(event(n, user="repeater", time_ms=DAY))
        guard.weight(event(n, query="q", time_ms=DAY))
    for n in range(10):
        guard.weight(event(n, entity=str(n), user="fan", time_ms=DAY))
    guard.weight(event(user="later", time_ms=2 * DAY))
    found = guard.suspects()
    assert found[-1] == Suspect("user", "crawler", 0, 40, 10.0)
    assert {(one.kind, one.name, one.day, one.actions) for one in found[:2]} == {
        ("user", "repeater", 1, 100),
        ("anonymous", "", 1, 100),
    }
    assert len(found) == 3


def test_weights_do_not_depend_on_the_order_of_the_log():
    dice = random.Random(3)
    events = [
        event(n, str(dice.randrange(30)), dice.randrange(3 * DAY), user=dice.choice(["u", "v", None]), query="q")
        for n in range(600)
    ]

    def weights() -> dict[str, float]:
        guard = Guard(SETTINGS)
        return {one.event_id: guard.weight(one) for one in sorted(events, key=lambda e: (e.time_ms, e.event_id))}

    first = weights()
    dice.shuffle(events)
    assert weights() == first


def test_a_day_can_be_weighed_again_by_itself():
    events = [event(n, str(n % 7), (n // 50) * DAY + n, user=f"u{n % 3}") for n in range(150)]
    whole, alone = Guard(SETTINGS), Guard(SETTINGS)
    expected = [whole.weight(one) for one in events][50:100]
    assert [alone.weight(one) for one in events[50:100]] == expected


def test_a_day_of_more_acts_than_are_held_unsorted_forgets_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltrr_cli.feedback.guards.TAIL", 4)
    guard = Guard(SETTINGS)
    acts = [event(n, entity=f"e{n % 50}", user=f"u{n % 7}", query="q") for n in range(700)]
    weights = [guard.weight(act) for act in acts]
    assert weights[:70] == [1.0] * 70  # ten of each person, within the cap
    assert not any(weights[350:])  # all of them again
