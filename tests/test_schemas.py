"""docs/SCHEMAS.md says what the records say, and its examples are read by the readers."""

from __future__ import annotations

import json

import pytest

from ltrr_cli.catalog.read import parse_entity
from ltrr_cli.core.types import Entity
from ltrr_cli.feedback.native import Native
from tests.cli.test_main import COMMANDS, GROUPS
from tests.schemas import CATALOG, CATALOG_EXAMPLE, EVENTS, PAGE, meanings, page, spelt, unlisted
from tests.schemas import COMMANDS as DESCRIBED


def test_the_page_is_what_the_records_say():
    assert PAGE.read_text("utf-8") == page(), "python -m tests.schemas writes docs/SCHEMAS.md anew"


def test_every_report_is_on_the_page():
    assert unlisted() == set()


def test_every_command_is_on_the_page():
    told = {"demo", "serve", *(name.split()[0] for name in DESCRIBED)}
    assert told == {*COMMANDS, *GROUPS}


def test_the_example_of_a_catalog_has_every_key_and_is_read_whole():
    assert [key for key, *_ in CATALOG] == list(json.loads(CATALOG_EXAMPLE))
    entity = parse_entity(CATALOG_EXAMPLE.encode())
    empty = Entity("", "")
    assert [name for name in Entity.__slots__ if getattr(entity, name) == getattr(empty, name)] == []


@pytest.mark.parametrize("kind", EVENTS)
def test_the_example_of_an_event_has_every_key_and_is_read_whole(kind: str):
    rows, example = EVENTS[kind]
    record = json.loads(example)
    assert {key for key, *_ in rows} == set(record)
    whole = Native().read(record)
    assert whole.impressions or whole.events or whole.users
    for key in record:
        if key not in ("event", "click_times", "value", "origin"):  # these have the value of a record without them
            assert _without(record, key) != whole, f"{key} is not read"


def _without(record: dict[str, object], key: str) -> object:
    from ltrr_cli.core.errors import DataError

    try:
        return Native().read({name: value for name, value in record.items() if name != key})
    except DataError:
        return None


def test_needed_keys_are_those_without_which_a_line_is_refused():
    for kind, (rows, example) in EVENTS.items():
        record = json.loads(example)
        record.pop("click_times", None)  # it needs "clicked"
        for key, _, needed, _ in rows:
            if key != "event":
                assert (_without(record, key) is None) == (needed == "yes"), f"{kind}: {key}"


def test_types_are_written_in_words():
    assert spelt(tuple[str, ...] | None) == "list of text or null"
    assert meanings(Entity)["popularity"].startswith(">= 0")
