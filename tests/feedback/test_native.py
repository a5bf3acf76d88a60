from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.core.errors import DataError
from ltrr_cli.core.types import Shown
from ltrr_cli.feedback.format_registry import reader
from ltrr_cli.feedback.native import Native
from ltrr_cli.feedback.records import NO_POSITION, Parsed, UserRecord

CLICK = {"event": "click", "timestamp": "2011-08-11T03:59:04.27", "entity_id": "album"}
SEARCH = {"event": "search", "timestamp": 1_000, "query": "blue", "user_id": "u", "session_id": None}
PAGE = {"event": "impression", "impression_id": "i", "timestamp": 1_000, "query": "blue"}


def read(record: dict, undated: bool = False) -> Parsed:
    return reader("native", undated)(json.dumps(record).encode())


def refused(record: dict, undated: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        read(record, undated)
    return str(caught.value)


def test_an_action_is_read_whole():
    more = {"event_id": "e", "impression_id": "i", "query": "q", "position": 3, "user_id": 7, "session_id": "s"}
    (event,) = read(CLICK | more | {"value": 2, "colour": "blue"}).events
    assert (event.event_id, event.kind, event.time_ms, event.entity_id) == ("e", "click", 1313035144270, "album")
    assert (event.impression_id, event.query, event.position) == ("i", "q", 3)
    assert (event.user, event.session, event.value) == ("7", "s", 2.0)


@pytest.mark.parametrize("name", ["play", "like", "add", "skip", "share-by-mail", "écouter", "Product Clicked"])
def test_any_other_name_is_an_action(name):
    assert read(CLICK | {"event": name}).events[0].kind == name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": None}, "no event"),
        ({"event": ""}, "no event"),
        ({"event": 7}, "no event"),
        ({"event": "  "}, "event type"),
        ({"event": "c" * 65}, "event type"),
        ({"event": "cl\nick"}, "event type"),
        ({"entity_id": None}, "no entity_id"),
        ({"entity_id": ""}, "no entity_id"),
        ({"entity_id": 1.5}, "entity_id"),
        ({"entity_id": True}, "entity_id"),
        ({"entity_id": ["a"]}, "entity_id"),
        ({"entity_id": "é" * 257}, "512 bytes"),
        ({"entity_id": "a\0b"}, "NUL"),
        ({"user_id": {"id": 1}}, "user_id"),
        ({"timestamp": None}, "no timestamp"),
        ({"timestamp": "yesterday"}, "time"),
        ({"timestamp": True}, "time"),
        ({"timestamp": 10**21}, "out of range"),
        ({"timestamp": 10**400}, "out of range"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "out of range"),
        ({"timestamp": {}}, "time"),
        ({"position": -1}, "position"),
        ({"position": 1.5}, "position"),
        ({"position": 2**31}, "position"),
        ({"position": "first"}, "position"),
        ({"position": True}, "position"),
        ({"value": "much"}, "value"),
        ({"value": True}, "value"),
        ({"value": 10**400}, "value"),
        ({"query": 7}, "query"),
        ({"query": "q" * 8193}, "query"),
    ],
)
def test_an_action_that_cannot_be_used_is_refused_by_field(change, reason):
    assert reason in refused(CLICK | change)


def test_one_entity_that_was_seen_is_an_event_and_no_page():
    (seen,) = read({"event": "impression", "timestamp": 1_000, "query": "q", "entity_id": "a"}).events
    assert (seen.kind, seen.entity_id) == ("impression", "a")
    assert read(PAGE | {"results": ["a"], "entity_id": "a"}).impressions


@pytest.mark.parametrize(("position", "told"), [({"position": 0}, 0), ({"position": 3}, 3), ({}, NO_POSITION)])
def test_one_entity_that_was_seen_on_a_page_is_a_line_of_it(position, told):
    record = {"event": "impression", "timestamp": 1_000, "impression_id": "i", "entity_id": "a", "user_id": "u"}
    parsed = read(record | position)
    assert not parsed.events
    (part,) = parsed.impressions
    assert (part.part, part.impression_id, part.user, part.shown) == (True, "i", "u", (Shown("a", told),))


def test_a_page_whose_positions_begin_at_0_is_read_from_1():
    results = [{"id": "a", "position": 0}, {"id": "b", "position": 1}, {"id": "c", "position": 5}, "d"]
    (page,) = read(PAGE | {"results": results}).impressions
    assert [line.position for line in page.shown] == [1, 2, 6, 7]


def test_whole_numbers_written_as_decimals_and_integer_ids_are_taken():
    (event,) = read(CLICK | {"position": 3.0, "entity_id": 9713872, "user_id": ""}).events
    assert (event.position, event.entity_id, event.user) == (3, "9713872", None)
    assert read(CLICK | {"entity_id": "é" * 256}).events


def test_what_a_table_exported_as_texts_or_decimals_is_read_as_numbers():
    (event,) = read(CLICK | {"position": "3", "value": "4.5", "user_id": 7.0, "session_id": 12.0}).events
    assert (event.position, event.value, event.user, event.session) == (3, 4.5, "7", "12")
    assert read(CLICK | {"value": ""}).events[0].value is None


def test_a_record_without_a_time_needs_to_be_allowed():
    without = {key: value for key, value in CLICK.items() if key != "timestamp"}
    assert "no timestamp" in refused(without)
    assert read(without, undated=True).events[0].time_ms is None
    assert "time" in refused(CLICK | {"timestamp": "soon"}, undated=True)


def test_an_id_is_derived_from_all_that_an_action_says():
    ids = {
        read(CLICK | change).events[0].event_id
        for change in (
            {},
            {"event": "play"},
            {"timestamp": 1},
            {"entity_id": "other"},
            {"user_id": "u"},
            {"session_id": "u"},
            {"impression_id": "u"},
            {"query": "u"},
            {"position": 1},
            {"value": 1},
        )
    }
    assert len(ids) == 10
    assert all(len(event_id) == 32 for event_id in ids)
    # and from nothing else: how the line is written does not matter
    again = dict(reversed((CLICK | {"timestamp": 1313035144270, "user_id": None, "colour": 1}).items()))
    assert read(again).events[0].event_id == read(CLICK).events[0].event_id


def test_a_search_is_one_imported_page_and_its_clicks():
    parsed = read(SEARCH | {"results": ["a", 2, "c"], "clicked": ["c", "x"], "click_times": [2_000, None]})
    (page,) = parsed.impressions
    assert (page.origin, page.query, page.user, page.session, page.time_ms) == ("imported", "blue", "u", None, 1_000)
    assert page.shown == (Shown("a", 1), Shown("2", 2), Shown("c", 3))
    first, second = parsed.events
    assert (first.entity_id, first.position, first.time_ms, first.kind) == ("c", 3, 2_000, "click")
    assert (second.entity_id, second.position, second.time_ms) == ("x", None, 1_000)
    assert {event.impression_id for event in parsed.events} == {page.impression_id}
    assert {(event.query, event.user) for event in parsed.events} == {("blue", "u")}


def test_an_unknown_page_is_none_and_an_empty_page_is_empty():
    assert read(SEARCH | {"results": None}).impressions[0].shown is None
    assert read(SEARCH).impressions[0].shown is None
    assert read(SEARCH | {"results": []}).impressions[0].shown == ()


def test_a_search_keeps_its_id_when_later_clicks_are_added():
    early = read(SEARCH | {"results": ["a", "b"], "clicked": ["a"]})
    late = read(SEARCH | {"results": ["a", "b"], "clicked": ["a", "b", "a"]})
    assert early.impressions == late.impressions
    assert early.events == late.events[:1]
    assert len({event.event_id for event in late.events}) == 3


def test_searches_differ_by_time_or_where_there_is_none_by_results():
    def page_id(**change: object) -> str:
        return read(SEARCH | change, undated=True).impressions[0].impression_id

    assert page_id() != page_id(timestamp=1_001)
    assert page_id() != page_id(user_id="v") != page_id(query="red")
    assert page_id(results=["a"]) == page_id(results=None)
    assert page_id(timestamp=None, results=["a"]) != page_id(timestamp=None, results=["b"])
    assert page_id(impression_id="mine") == "mine"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"query": None}, "no query"),
        ({"results": "a"}, "results"),
        ({"results": [None]}, "no results"),
        ({"clicked": "a"}, "clicked"),
        ({"clicked": [""]}, "no clicked"),
        ({"clicked": ["a"], "click_times": []}, "click_times"),
        ({"clicked": ["a"], "click_times": 5}, "click_times"),
        ({"clicked": ["a"], "click_times": ["soon"]}, "time"),
        ({"timestamp": None}, "no timestamp"),
        ({"context": []}, "context"),
    ],
)
def test_a_search_that_cannot_be_used_is_refused_by_field(change, reason):
    assert reason in refused(SEARCH | change)


def test_a_page_is_read_with_its_odds():
    second = {"id": "b", "position": 2, "odds": 0.5, "inclusion": 0.75, "score": -3}
    results = [second, {"id": "a", "position": 1, "odds": 1}]
    context = {"hour": 7, "app": True, "deep": {}, "none": None}
    (page,) = read(PAGE | {"results": results, "context": context}).impressions
    assert page.shown == (Shown("a", 1, None, 1.0), Shown("b", 2, -3.0, 0.5, 0.75))
    assert page.origin == "live"
    assert page.context == {"hour": "7", "app": "true"}


def test_a_page_without_odds_is_history():
    (page,) = read(PAGE | {"results": ["a", {"id": "b"}, {"id": "c", "position": 7}, "d"]}).impressions
    assert page.origin == "imported"
    assert [(line.entity_id, line.position) for line in page.shown] == [("a", 1), ("b", 2), ("c", 7), ("d", 8)]
    assert read(PAGE | {"results": ["a"], "origin": "trial"}).impressions[0].origin == "trial"
    assert read(PAGE).impressions[0].shown is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"impression_id": None}, "no impression_id"),
        ({"query": None}, "no query"),
        ({"results": {}}, "results"),
        ({"results": [{"id": "a", "odds": 0}]}, "odds"),
        ({"results": [{"id": "a", "odds": 1.1}]}, "odds"),
        ({"results": [{"id": "a", "inclusion": -1}]}, "inclusion"),
        ({"results": [{"position": 1}]}, "no id"),
        ({"results": [{"id": "a", "position": 2}, {"id": "b", "position": 2}]}, "twice"),
        ({"results": [{"id": "a", "position": 2}, {"id": "b", "position": 1}, "c"]}, "twice"),
        ({"results": ["a"], "origin": "else"}, "origin"),
    ],
)
def test_a_page_that_cannot_be_used_is_refused_by_field(change, reason):
    assert reason in refused(PAGE | change)


def test_a_profile_is_read():
    attributes = {"age": 33, "genres": ["jazz", 7], "name": "x", "new": True, "none": None}
    (user,) = read({"event": "user", "user_id": 5, "attributes": attributes}).users
    assert user == UserRecord("5", {"age": 33.0, "genres": ("jazz", "7"), "name": "x", "new": "true"}, None)
    assert "no user_id" in refused({"event": "user"})
    assert "nest" in refused({"event": "user", "user_id": "u", "attributes": {"nest": {}}})


numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)
names = st.sampled_from(
    ["timestamp", "entity_id", "query", "user_id", "results", "clicked", "click_times", "position", "value", "context"]
)


@pytest.mark.turns(4)
@given(st.sampled_from(["click", "search", "impression", "user"]), st.dictionaries(names, anything), st.booleans())
@settings(max_examples=120, deadline=None)
def test_any_record_is_read_or_refused(kind, fields, undated):
    try:
        parsed = Native(undated).read({"event": kind, "impression_id": "i", **fields})
    except DataError:
        return
    assert isinstance(parsed, Parsed)
