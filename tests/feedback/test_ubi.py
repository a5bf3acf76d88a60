from __future__ import annotations

import json

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Shown
from ltrr_cli.feedback.format_registry import reader
from ltrr_cli.feedback.records import NO_POSITION, Parsed

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


HITS = ("query_response_hit_ids", "query_response_object_ids", "query_response_objects_ids", "doc_ids")


@pytest.mark.parametrize("name", HITS)
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
        ({"ordinal": 0}, 0),
        ({"ordinal": "12"}, 12),
        (7, 7),
        ({"ordinal": {"index": 0}}, 0),
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


def test_solr_writes_its_hits_as_one_text():
    query = {key: value for key, value in QUERY.items() if key != "query_response_hit_ids"}
    assert read(query | {"doc_ids": "9, 10,x"}).impressions[0].shown == (Shown("9", 1), Shown("10", 2), Shown("x", 3))


def test_hits_may_be_objects_and_the_object_an_id():
    hits = [{"object_id": "9"}, {"object_id": 10, "score": 2}]
    assert read(QUERY | {"query_response_hit_ids": hits}) == read(QUERY)
    for attributes in ({"object": "10"}, {"object": 10}, {"object_id": "10"}):
        (event,) = read(EVENT | {"event_attributes": attributes | {"position": {"ordinal": 2}}}).events
        assert (event.entity_id, event.position) == ("10", 2)


def test_attributes_may_be_a_text_of_json_as_tables_export_them():
    assert read(EVENT | {"event_attributes": json.dumps(EVENT["event_attributes"])}) == read(EVENT)


@pytest.mark.parametrize("name", ["impression", "product_impression", "Impressions", "view_item_list", "displayed"])
def test_an_object_that_came_into_view_is_a_line_of_its_page(name):
    parsed = read(EVENT | {"action_name": name})
    assert not parsed.events
    (part,) = parsed.impressions
    assert (part.impression_id, part.part, part.shown) == ("q1", True, (Shown("10", 2),))
    attributes = {"object": {"object_id": "10"}}
    assert read(EVENT | {"action_name": name, "event_attributes": attributes}).impressions[0].shown == (
        Shown("10", NO_POSITION),
    )


@pytest.mark.parametrize("name", ["hover", "product_hover", "view", "item_view", "click"])
def test_what_may_be_more_or_less_than_a_line_of_a_page_stays_an_event(name):
    parsed = read(EVENT | {"action_name": name})
    assert not parsed.impressions
    assert parsed.events[0].kind == name


def test_an_impression_that_names_no_query_is_an_event():
    event = {key: value for key, value in EVENT.items() if key != "query_id"}
    assert read(event | {"action_name": "impression"}).events[0].kind == "impression"


def test_an_event_without_an_object_is_skipped():
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
        EVENT | {"event_attributes": {"object": [5]}},
        QUERY | {"query_response_hit_ids": [{"title": "x"}]},
        EVENT | {"event_attributes": "{broken"},
        EVENT | {"event_attributes": {"object": {"object_id": "1"}, "position": {"ordinal": "first"}}},
    ],
)
def test_what_cannot_be_used_is_refused(record):
    with pytest.raises(DataError):
        read(record)
