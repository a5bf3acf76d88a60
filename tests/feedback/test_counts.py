"""Rows of daily counts, and what they prove."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from ltrr_cli.core.config import FeedbackSettings
from ltrr_cli.core.counted import CountedDay, CountRow
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Event
from ltrr_cli.feedback.counted_day import CountWeights
from ltrr_cli.feedback.counts import Counts
from ltrr_cli.feedback.format_registry import detect
from ltrr_cli.feedback.guards import Guard
from ltrr_cli.feedback.rewards import Rewards
from ltrr_cli.storage.journal_counts import DayCounts, hash_of

ROW = {"day": "1970-01-02", "query": "jazz", "entity": "a", "type": "click", "actions": "3", "users": "2"}


def test_a_row_is_read_whatever_its_columns_are_called() -> None:
    expected = CountRow(1, "jazz", "a", "click", 3, 2)
    assert Counts().read(dict(ROW)).counts == (expected,)
    other = {"date": 19700102, "query": "jazz", "entity_id": "a", "event": "click", "actions": 3.0, "users": 2}
    assert Counts().read(other).counts == (expected,)


def test_a_file_of_counts_is_recognised_by_its_columns() -> None:
    assert detect([b'{"day":"2024-05-01","query":"q","entity":"a","type":"click","actions":2}']) == "counts"
    assert detect([b'{"event":"click","timestamp":1,"entity_id":"a","actions":2}']) == "native"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"day": None}, "no day"),
        ({"actions": None}, "no actions"),
        ({"actions": "1.5"}, "not a whole number"),
        ({"actions": -1}, "out of range"),
        ({"entity": None}, "no entity_id"),
        ({"day": "2024-13-01"}, "2024-13-01"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(change: dict[str, object], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        Counts().read({**ROW, **change})


def proved(rows: list[CountRow], **settings: object) -> CountedDay:
    texts = {hash_of(text): text for row in rows for text in (row.query, row.entity_id, row.kind, row.channel)}

    def texts_of(hashes: Iterable[int]) -> list[str]:
        return [texts[one] for one in hashes]

    keys = sorted(
        (*map(hash_of, (row.query, row.entity_id, row.kind, row.channel)), row.actions,
         -1 if row.users is None else row.users, -1 if row.shown is None else row.shown)
        for row in rows
    )  # fmt: skip
    columns = np.array(keys, np.int64).T
    return CountWeights(Rewards(FeedbackSettings(**settings)), texts_of).of(DayCounts(0, *columns))  # type: ignore[arg-type]


def test_a_type_counts_as_often_as_people_did_it() -> None:
    day = proved([CountRow(0, "jazz", "a", "click", 9, 4)])
    assert (day.worth.tolist(), day.users.tolist()) == ([4.0], [4])


def test_who_did_the_weaker_thing_is_among_those_who_did_the_stronger() -> None:
    rows = [CountRow(0, "jazz", "a", "purchase", 2, 2), CountRow(0, "jazz", "a", "click", 9, 5)]
    day = proved(rows, rewards={"purchase": 1.0, "click": 0.25})
    assert day.worth.tolist() == [2 * 0.75 + 5 * 0.25]


def test_channels_add_up_and_what_speaks_against_stands_apart() -> None:
    rows = [
        CountRow(0, "jazz", "a", "click", 3, 3, channel="web"),
        CountRow(0, "jazz", "a", "click", 2, 2, channel="app"),
        CountRow(0, "jazz", "a", "skip", 4, 4, 70),
    ]
    day = proved(rows, rewards={"click": 1.0, "skip": -0.5})
    assert (day.worth.tolist(), day.against.tolist(), day.shown.tolist()) == ([5.0], [2.0], [70])


def test_how_often_an_entity_was_shown_is_said_by_every_type_and_adds_up_over_channels() -> None:
    rows = [
        CountRow(0, "jazz", "a", "click", 3, 3, 70, "web"),
        CountRow(0, "jazz", "a", "purchase", 1, 1, 70, "web"),
        CountRow(0, "jazz", "a", "click", 2, 2, 30, "app"),
        CountRow(0, "jazz", "a", "click", 2, 2, None, "post"),
        CountRow(0, "jazz", "b", "click", 2, 2, None, "web"),
    ]
    day = proved(rows)
    shown = {day.entities[of]: count for of, count in zip(day.entity.tolist(), day.shown.tolist(), strict=True)}
    assert shown == {"a": 100, "b": 0}


def test_counts_prove_what_the_same_single_actions_prove() -> None:
    for users in (None, 3):
        guard, whole = Guard(FeedbackSettings()), 0.0
        for n in range(7):
            user = None if users is None else f"u{n % users}"
            whole += guard.weight(Event(f"{n}", "click", n, "a", query="jazz", user=user))
        assert proved([CountRow(0, "jazz", "a", "click", 7, users)]).worth[0] == pytest.approx(whole)


def test_an_exposure_proves_nothing() -> None:
    assert proved([CountRow(0, "jazz", "a", "impression", 7, 3)]).worth.tolist() == [0.0]
