"""What a user usually chooses, from the newest of what they did."""

from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.allocation.models.user_preferences import NAMES, Acts, UserPreferences, nobody
from ltrr_cli.core.clock import DAY

FACTS = {
    0: [("type", "song"), ("genre", "jazz")],
    1: [("type", "song"), ("genre", "jazz"), ("tag", "calm")],
    2: [("type", "album"), ("genre", "rock")],
}


def preferences(*acts: tuple[int, float, int]) -> UserPreferences:
    """Of a user who acted on rows, with weights, on days; the newest first."""

    def newest(user: str, most: int) -> Acts:
        found = acts[:most] if user == "ann" else ()
        rows, weights, days = zip(*found, strict=True) if found else ((), (), ())
        return np.array(rows, np.int32), np.array(weights, np.float64), np.array(days, np.int64) * DAY

    return UserPreferences(newest, FACTS.__getitem__)


def test_they_know_what_a_user_likes():
    found = preferences((2, 1.0, 4), (1, 1.0, 3), (0, 1.0, 2), (0, 1.0, 1))
    now = found.features("ann", [("genre", "jazz")], 4 * DAY)
    assert now["user.favourite_type"] == pytest.approx(0.75, abs=0.02)
    assert now["user.favours_reading"] == pytest.approx(0.75, abs=0.02)
    assert found.features("ann", [("genre", "folk")], 4 * DAY)["user.favours_reading"] == 0
    assert found.features("ann", [], 400 * DAY)["user.actions"] < now["user.actions"] / 5


def test_nothing_is_known_of_strangers_and_of_who_wanted_nothing():
    found = preferences((0, -1.0, 1))
    for user in (None, "bob", "ann"):
        assert dict(found.features(user, [("genre", "jazz")], DAY)) == dict.fromkeys(NAMES, 0.0)
    assert dict(nobody().features("ann", [("genre", "jazz")], DAY)) == dict.fromkeys(NAMES, 0.0)


def test_what_has_no_time_does_not_fade():
    undated = preferences((0, 1.0, 0))
    assert undated.features("ann", [], DAY) == undated.features("ann", [], 4_000 * DAY)
