"""What the bandit sees of a moment and of who asks."""

from __future__ import annotations

import pytest

from ltrr_cli.allocation.bandit_features import TIME, WHO, WORDLESS, context_features, feature_names
from ltrr_cli.core.clock import DAY, HOUR
from ltrr_cli.core.types import Context

MONDAY = 4 * DAY  # 1970-01-05
NAMES = ("tokens", "intent_topic")


def seen(time_ms: int, user: str | None = None, **signals: float) -> dict[str, float]:
    found = context_features(NAMES, signals, Context(time_ms, user))
    return dict(zip(feature_names(NAMES), found.tolist(), strict=True))


def test_every_family_is_named_and_a_signal_that_is_missing_is_nought():
    found = seen(MONDAY, tokens=3.0, unknown=7.0)
    assert tuple(found) == ("constant", *NAMES, *TIME, *WHO, *WORDLESS)
    assert (found["constant"], found["intent_topic"]) == (1.0, 0.0)
    assert 1.0 < found["tokens"] < 3.0
    assert (found["user_known"], seen(MONDAY, "ann")["user_known"]) == (0.0, 1.0)


@pytest.mark.parametrize(("day", "weekend"), [(0, 0.0), (4, 0.0), (5, 1.0), (6, 1.0), (7, 0.0)])
def test_saturday_and_sunday_are_the_weekend(day: int, weekend: float):
    assert seen(MONDAY + day * DAY + 23 * HOUR)["weekend"] == weekend


@pytest.mark.parametrize(
    ("circle", "period"), [("hour", DAY), ("weekday", 7 * DAY), ("season", int(365.2425 * DAY))], ids=str
)
def test_hour_weekday_and_season_go_round(circle: str, period: int):
    """A moment looks like the same one a period later, and unlike that of half a period later."""
    axes = (f"{circle}_sin", f"{circle}_cos")
    now, later, opposite = (seen(MONDAY + HOUR + after) for after in (0, period, period // 2))
    assert [now[axis] for axis in axes] == pytest.approx([later[axis] for axis in axes], abs=1e-3)
    assert [now[axis] for axis in axes] == pytest.approx([-opposite[axis] for axis in axes], abs=1e-3)


def test_without_words_nothing_is_said_that_words_are_judged_by():
    """Who says nothing shares the constant alone with who says something; "more like this" is a third thing."""
    signals = {"tokens": 0.0, "intent_topic": 1.0, "personal.history": 0.5}
    names = feature_names(NAMES)
    for context, own in (
        (Context(MONDAY), {"constant": 1.0, "wordless": 1.0, "wordless_history": 0.5}),
        (Context(MONDAY, "ann"), {"constant": 1.0, "wordless": 1.0, "wordless_known": 1.0, "wordless_history": 0.5}),
        (Context(MONDAY, "ann", like="e1"), {"like": 1.0}),
    ):
        found = dict(zip(names, context_features(NAMES, signals, context, wordless=True).tolist(), strict=True))
        assert {name: value for name, value in found.items() if value} == own
    asked = context_features(NAMES, signals, Context(MONDAY, "ann", like="e1"))
    assert not any(asked[names.index(name)] for name in WORDLESS)
