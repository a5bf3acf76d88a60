from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.allocation.models.strategy_history import PAST, StrategyHistory
from ltrr_cli.allocation.models.user_preferences import NAMES, WAITING, UserPreferences
from ltrr_cli.allocation.policy import BanditContext, BanditExample
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.errors import DamagedError

FEATURES = ("constant", "tokens", "intent_topic", "exact_name")
TOPIC, NAME = np.array([1, 1, 0.9, 0], np.float32), np.array([1, 2, 0, 1], np.float32)


def example(features: np.ndarray, ranks: tuple[int, int], depths: tuple[int, int] = (50, 50)) -> BanditExample:
    bandit_context = BanditContext(("lexical", "memory"), 50, features, 0)
    shapes = np.array([[1.0, 0.2, 0.5], [0.1, 0.9, 1.0]], np.float32)
    return BanditExample(bandit_context, np.array(ranks, np.int32), np.array(depths, np.int32), 1.0, shapes=shapes)


def asked(history: StrategyHistory, features: np.ndarray) -> np.ndarray:
    return history.of(("lexical", "memory"), dict(zip(FEATURES, features.tolist(), strict=True)))


def test_it_tells_classes_of_queries_apart():
    history = StrategyHistory()
    assert not asked(history, TOPIC).any()
    history.learn([example(TOPIC, (0, 1))] * 40 + [example(NAME, (1, 0))] * 40, FEATURES)
    topic, name = asked(history, TOPIC), asked(history, NAME)
    success = PAST.index("past.success")
    assert topic[1, success] > 0.5 > name[1, success]
    assert name[0, success] > 0.5 > topic[0, success]
    assert topic[0, PAST.index("past.results")] > topic[1, PAST.index("past.results")]


def test_who_did_not_run_is_not_blamed():
    history = StrategyHistory()
    history.learn([example(TOPIC, (3, 0), (50, 0))] * 40, FEATURES)
    assert asked(history, TOPIC)[1, 0] == 0


def test_it_survives_the_disk_and_damage_is_told(tmp_path: Path):
    history = StrategyHistory()
    history.learn([example(TOPIC, (0, 1))] * 3, FEATURES)
    history.save(tmp_path)
    np.testing.assert_array_equal(asked(StrategyHistory.open(tmp_path), TOPIC), asked(history, TOPIC))
    (tmp_path / "history.npz").write_bytes(b"PK")
    with pytest.raises(DamagedError):
        StrategyHistory.open(tmp_path)


def test_habits_know_what_a_user_likes():
    preferences = UserPreferences()
    assert dict(preferences.features("ann", [("genre", "jazz")], 0)) == dict.fromkeys(NAMES, 0.0)
    for day in range(3):
        preferences.learn("ann", preferences.entity([("type", "song"), ("genre", "jazz")]), 1.0, day * DAY)
    preferences.learn("ann", preferences.entity([("type", "album"), ("genre", "rock")]), 1.0, 3 * DAY)
    found = preferences.features("ann", [("genre", "jazz")], 3 * DAY)
    assert found["user.favourite_type"] == pytest.approx(0.75, abs=0.02)
    assert found["user.favours_reading"] == pytest.approx(0.75, abs=0.02)
    assert preferences.features("ann", [("genre", "folk")], 3 * DAY)["user.favours_reading"] == 0
    assert preferences.features("ann", [], 400 * DAY)["user.actions"] < found["user.actions"] / 5
    assert not any(preferences.features(None, [("genre", "jazz")], 0).values())


def test_habits_survive_the_disk(tmp_path: Path):
    preferences = UserPreferences()
    preferences.learn("ann", preferences.entity([("type", "song")]), 1.0, DAY)
    preferences.save(tmp_path)
    again = UserPreferences.open(tmp_path)
    assert again.features("ann", [], DAY) == preferences.features("ann", [], DAY)


def test_only_the_strongest_habits_of_a_user_are_kept():
    preferences = UserPreferences()
    for day in range(3):
        preferences.learn("ann", preferences.entity([("genre", "jazz")]), 1.0, day)
    preferences.learn("ann", preferences.entity([("tag", f"t{n:02}") for n in range(60)]), 1.0, 3)
    kept = [n for n in range(60) if preferences.features("ann", [("tag", f"t{n:02}")], 3)["user.favours_reading"] > 0]
    assert kept == list(range(23))  # the strongest, then by name
    assert preferences.features("ann", [("genre", "jazz")], 3)["user.favours_reading"] == 0.75


def test_habits_are_the_same_whenever_somebody_looks():
    looked, left = UserPreferences(), UserPreferences()
    for n in range(3 * WAITING + 2):
        facts = [("genre", "jazz"), *(("tag", f"{n % 7}-{m}") for m in range(9))]
        for preferences in (looked, left):
            preferences.learn("ann", preferences.entity(facts), 1.0 + n % 2, n * DAY // 2)
        looked.features("ann", facts, n * DAY)
    assert looked.features("ann", [("genre", "jazz")], 20 * DAY) == left.features("ann", [("genre", "jazz")], 20 * DAY)
    assert left.features("ann", [("genre", "jazz")], 20 * DAY)["user.favours_reading"] == pytest.approx(1.0)
