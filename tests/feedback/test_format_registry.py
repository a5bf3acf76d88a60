from __future__ import annotations

import json

import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.feedback.format_registry import FORMATS, detect, format_class, reader
from tests.feedback import test_counts, test_metarank, test_native, test_ubi

SAMPLES = {
    "native": [test_native.CLICK, test_native.SEARCH, test_native.PAGE, {"event": "user", "user_id": "u"}],
    "ubi": [
        test_ubi.QUERY,
        test_ubi.EVENT,
        {"_source": test_ubi.QUERY},
        {"_id": "x", "_source": test_ubi.EVENT},
        {"index": {"_index": "ubi_queries"}},
    ],
    "metarank": [
        test_metarank.RANKING,
        test_metarank.INTERACTION,
        {"event": "item", "item": "a", "fields": []},
        {"event": "user", "user": "u"},
    ],
    "counts": [test_counts.ROW, {"date": "2024-05-01", "entity_id": "a", "event": "click", "actions": 3}],
}
CASES = [(name, record) for name, records in SAMPLES.items() for record in records]


def lines(*records: dict) -> list[bytes]:
    return [json.dumps(record).encode() for record in records]


def test_every_format_is_sampled_here():
    assert set(SAMPLES) == set(FORMATS.names())


@pytest.mark.parametrize(("name", "record"), CASES)
def test_a_single_line_tells_its_format_and_only_that(name, record):
    assert [other for other in FORMATS.names() if format_class(other).recognises(record)] == [name]
    assert detect(lines(record)) == name


def test_bad_and_strange_lines_do_not_confuse():
    strange = [b"{", b"", b"[]", b'{"a":1,"a":2}', *lines({"hello": 1}, {"event": 5}, {"_source": 3}, {"event": None})]
    assert detect(strange + lines(test_ubi.EVENT)) == "ubi"


def test_the_majority_decides_and_the_order_of_the_registry_breaks_ties():
    assert detect(lines(test_native.CLICK, test_ubi.EVENT, test_ubi.QUERY)) == "ubi"
    assert detect(lines(test_ubi.EVENT, test_native.CLICK)) == "native"


def test_what_nobody_recognises_is_an_error_with_a_hint():
    with pytest.raises(DataError, match="format") as caught:
        detect(lines({"hello": 1}))
    assert "native" in (caught.value.hint or "")
    with pytest.raises(DataError):
        detect([])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageError) as caught:
        reader("csv")
    assert "ubi" in (caught.value.hint or "")
