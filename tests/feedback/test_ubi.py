from __future__ import annotations

import json

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Shown
from ltrr_cli.feedback.format_registry import reader
from ltrr_cli.feedback.records import Parsed

QUERY = {
    "timestamp": "2024-05-22T20:04:58.072Z",
    "query_id": "q1",
    "client_id": "browser",
    "user_query": "toner",
    "query": '{"match_all":{}}',
    "query_attributes": {"experiment": "exp_1", "page": 1},
    "query_response_id": "r1",
    "query_response_hit_ids": ["9", 10],
}
EVENT = {
    "action_name": "click",
    "query_id": "q1",
    "client_id": "browser",
    "timestamp": "2024-05-22T20:05:00+00:00",
    "message_type": "CLICK",
    "event_attributes": {
        "object": {"object_id": "10", "object_id_field": "ean", "internal_id": "x"},
        "position": {"ordinal": 2},
        "session_id": "s1",
    },
}


def read(record: dict) -> Parsed:
    return reader("ubi")(json.dumps(record).encode())


def test_a_query_is_an_imported_page():
    (page,) = read(QUERY).impressions
    assert (page.impression_id, page.query, page.user, page.origin) == ("q1", "toner", "browser", "imported")
    assert page.time_ms == 1716408298072
    assert page.shown == (Shown("9", 1), Shown("10", 2))
    assert page.context == {"experiment": "exp_1", "page": "1"}


@pytest.mark.parametrize("name", ["query_response_hit_ids", "query_response_object_ids", "query_response_objects_ids"])
def test_every_spelling_of_the_hits_is_known(name):
    query = {key: value for key, value in QUERY.items() if key != "query_response_hit_ids"}
    assert read(query).impressions[0].shown is None
    assert read(query | {name: ["a"]}).impressions[0].shown == (Shown("a", 1),)
    assert read(query | {name: []}).impressions[0].shown == ()


def test_an_event_is_an_action_on_its_object():
    (event,) = read(EVENT).events
    assert (event.kind, event.entity_id, event.impression_id) == ("click", "10", "q1")
    assert (event.position, event.user, event.session) == (2, "browser", "s1")
    assert event.time_ms == 1716408300000


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ({"ordinal": {"index": 3}}, 3),
        ({"ordinal": 0}, None),
        ({"xy": {"x": 1.5, "y": 2}}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_position_is_read_in_every_form(position, expected):
    attributes = EVENT["event_attributes"] | {"position": position}
    assert read(EVENT | {"event_attributes": attributes}).events[0].position == expected


def test_a_position_inside_the_object_is_found():
    attributes = {"object": {"object_id": "10", "position": {"ordinal": 4}}}
    assert read(EVENT | {"event_attributes": attributes}).events[0].position == 4


def test_lines_come_bare_wrapped_or_as_bulk_pairs():
    assert read({"_index": "ubi_queries", "_id": "x", "_score": 1, "_source": QUERY}) == read(QUERY)
    assert read({"_index": "ubi_events", "_id": "x", "_source": EVENT}) == read(EVENT)
    assert read({"index": {"_index": "ubi_events", "_id": "x"}}).skipped
    assert read({"create": {}}).skipped


def test_names_of_actions_are_ours_where_they_mean_the_same():
    names = {"click_through": "click", "add_to_cart": "add", "watch": "play", "purchase": "purchase"}
    for theirs, ours in names.items():
        assert read(EVENT | {"action_name": theirs}).events[0].kind == ours


def test_being_seen_is_no_action_and_neither_is_an_event_without_an_object():
    assert read(EVENT | {"action_name": "impression"}) == Parsed(skipped="impression of one object")
    assert read(EVENT | {"action_name": "login", "event_attributes": {}}) == Parsed(skipped="event without an object")


def test_moments_may_be_numbers_or_numbers_as_text():
    assert read(QUERY | {"timestamp": 1716408298072}) == read(QUERY) == read(QUERY | {"timestamp": "1716408298072"})


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"_source": 7},
        {"_source": None},
        QUERY | {"query_id": None},
        QUERY | {"timestamp": None},
        QUERY | {"query_response_hit_ids": "9"},
        EVENT | {"timestamp": "noon"},
        EVENT | {"action_name": ""},
        EVENT | {"event_attributes": []},
        EVENT | {"event_attributes": {"object": 5}},
        EVENT | {"event_attributes": {"object": {"object_id": "1"}, "position": {"ordinal": "first"}}},
    ],
)
def test_what_cannot_be_used_is_refused(record):
    with pytest.raises(DataError):
        read(record)
