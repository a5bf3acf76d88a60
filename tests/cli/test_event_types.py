from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ltrr_cli.cli.event_types import NAMED, told_known, told_unknown
from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.feedback.type_counts import TypeCount


def unknown(count: int = 1) -> TypeCount:
    return TypeCount(count, "unknown", 0.0)


@pytest.mark.parametrize("name", ["wobble", "Kauf abgeschlossen", 'say "yes"', "back\\slash", "écouter", "a.b", "👍"])
def test_the_lines_to_add_make_an_unknown_type_count(name):
    told = "\n".join(told_unknown({name: unknown(12)}, Path("home")))
    assert "12 events" in told
    assert str(Path("home", "ltrr.toml")) in told
    settings = tomllib.loads(told[told.index("[feedback.rewards]") :])["feedback"]
    assert Rewards(FeedbackSettings(**settings)).worth_of(name).reward == 1.0


def test_what_is_known_or_set_is_no_unknown_type():
    types = {"click": TypeCount(9, "choice", 1.0), "wobble": TypeCount(2, "unknown", 0.5)}
    assert told_unknown(types, Path("home")) == []


def test_of_many_unknown_types_the_most_frequent_are_named():
    told = "\n".join(told_unknown({f"kind{n}": unknown() for n in range(NAMED + 7)}, Path("home")))
    assert "and 7 more" in told
    assert told.count(" = 1.0") == NAMED


def test_what_does_not_count_one_is_said_with_what_it_counts():
    types = {
        "click": TypeCount(9, "choice", 1.0),
        "view": TypeCount(30, "exposure", 0.0),
        "view_item": TypeCount(1, "look", 0.1),
        "refund": TypeCount(2, "against", -1.0),
        "stars": TypeCount(4, "rating", 1.0, (1.0, 5.0)),
        "rating": TypeCount(3, "rating", 1.0),
        "wobble": unknown(),
        "squeak": TypeCount(1, "unknown", 0.5),
    }
    assert told_known(types) == [
        "view: 30 events, read as exposure: counts nothing",
        "view_item: 1 event, read as look: each counts 0.1",
        "refund: 2 events, read as against: each counts -1",
        "stars: 4 events, read as ratings from 1 (-1) to 5 (1)",
        "rating: 3 events, read as ratings without a value, which count nothing",
        "squeak: 1 event, each counts 0.5",
    ]
