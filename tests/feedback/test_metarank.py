from __future__ import annotations

import json

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Shown
from ltrr_cli.feedback.format_registry import reader
from ltrr_cli.feedback.records import Parsed, UserRecord

RANKING = {
    "event": "ranking",
    "id": "r1",
    "timestamp": "1599391467000",
    "user": "u",
    "session": "s",
    "fields": [{"name": "query", "value": "cat"}, {"name": "source", "value": "search"}],
    "items": [{"id": "item3", "relevancy": 2.0}, {"id": "item1"}],
}
INTERACTION = {
    "event": "interaction",
    "id": "i1",
    "ranking": "r1",
    "timestamp": "1599391467500",
    "user": "u",
    "session": "s",
    "type": "purchase",
    "item": "item1",
    "fields": [{"name": "count", "value": 1}, {"name": "value", "value": 9.5}],
}


def read(record: dict, undated: bool = False) -> Parsed:
    return reader("metarank", undated)(json.dumps(record).encode())


def test_a_ranking_is_an_imported_page():
    (page,) = read(RANKING).impressions
    assert (page.impression_id, page.query, page.user, page.session) == ("r1", "cat", "u", "s")
    assert (page.origin, page.time_ms, page.context) == ("imported", 1599391467000, {"source": "search"})
    assert page.shown == (Shown("item3", 1, 2.0), Shown("item1", 2))


def test_a_ranking_without_a_query_is_a_page_all_the_same():
    (page,) = read({key: value for key, value in RANKING.items() if key != "fields"}).impressions
    assert page.query == ""


def test_an_interaction_is_an_action_of_its_type():
    (event,) = read(INTERACTION).events
    assert (event.event_id, event.kind, event.entity_id, event.impression_id) == ("i1", "purchase", "item1", "r1")
    assert (event.time_ms, event.value, event.user) == (1599391467500, 9.5, "u")
    assert read(INTERACTION | {"ranking": None}).events[0].impression_id is None


def test_an_impression_is_a_line_of_its_ranking_and_no_action():
    (part,) = read(INTERACTION | {"type": "impression"}).impressions
    assert (part.impression_id, part.part, part.shown[0].entity_id) == ("r1", True, "item1")
    assert read(INTERACTION | {"type": "impression", "ranking": None}).events[0].kind == "impression"
    assert read(INTERACTION | {"type": "view"}).events[0].kind == "view"


def test_a_user_is_a_profile_and_an_item_is_skipped():
    user = {"event": "user", "id": "x", "user": "u", "timestamp": 5, "fields": [{"name": "age", "value": 33}]}
    assert read(user).users == (UserRecord("u", {"age": 33.0}, 5),)
    assert "catalog" in read({"event": "item", "id": "x", "item": "a", "timestamp": 5, "fields": []}).skipped


@pytest.mark.parametrize("moment", [1599391467000, "1599391467000", "2020-09-06T11:24:27Z"])
def test_every_form_of_a_moment_is_read(moment):
    assert read(RANKING | {"timestamp": moment}) == read(RANKING)


@pytest.mark.parametrize(
    "record",
    [
        {"event": "click", "item": "a"},
        {},
        RANKING | {"id": None},
        RANKING | {"items": None},
        RANKING | {"items": [{"relevancy": 1}]},
        RANKING | {"items": [{"id": "a", "relevancy": "high"}]},
        RANKING | {"timestamp": "9" * 21},
        RANKING | {"timestamp": None},
        RANKING | {"fields": {"query": "cat"}},
        RANKING | {"fields": ["query"]},
        RANKING | {"fields": [{"name": "query", "value": "a"}, {"name": "query", "value": "b"}]},
        RANKING | {"fields": [{"name": "query", "value": 7}]},
        INTERACTION | {"type": None},
        INTERACTION | {"item": None},
        {"event": "user", "id": "x", "timestamp": 5},
    ],
)
def test_what_cannot_be_used_is_refused(record):
    with pytest.raises(DataError):
        read(record)


def test_a_record_without_a_time_needs_to_be_allowed():
    assert read(RANKING | {"timestamp": None}, undated=True).impressions[0].time_ms is None
