from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.format_registry import FORMATS, reader
from ltrr_cli.feedback.parse import parse_object

MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

HOSTILE = {
    "NaN": (b'{"event":"click","value":NaN}', "not JSON"),
    "Infinity": (b'{"event":"click","value":Infinity}', "not JSON"),
    "minus Infinity": (b'{"event":"click","value":-Infinity}', "not JSON"),
    "a number out of range": (b'{"event":"click","value":1e999}', "out of range"),
    "a repeated key": (b'{"event":"click","event":"skip"}', "stands twice"),
    "a repeated key with a space": (b'{"event" :"click","event"\t: "skip"}', "stands twice"),
    "a repeated escaped key": (rb'{"event":"click","\u0065vent":"skip"}', "stands twice"),
    "a repeated inner key": (b'{"event":"user","attributes":{"a":1,"a":2}}', "stands twice"),
    "a repeated key in a list": (b'{"results":[{"id":1},{"id":1,"id":2}]}', "stands twice"),
    "a repeated key that hides behind colons": (b'{"a":": x","b":1,"b":": y"}', "stands twice"),
    "a byte order mark": (MARK.encode() + b'{"event":"click"}', "not JSON"),
    "a raw NUL": (b'{"event":"cl\0ick"}', "not JSON"),
    "NULs only": (bytes(100), "not JSON"),
    "a lone high surrogate": (rb'{"event":"\ud800"}', "surrogate"),
    "a lone low surrogate": (rb'{"event":"\udc00 and more text"}', "surrogate"),
    "a surrogate as UTF-8": (b'{"event":"\xed\xa0\x80"}', "UTF-8"),
    "an integer of 4,301 digits": (b'{"value":' + b"9" * 4301 + b"}", "out of range"),
    "depth 200,000": (b"[" * 200_000 + b"]" * 200_000, "deep"),
    "objects of depth 200,000": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "deep"),
    "invalid UTF-8": (b'{"event":"caf\xe9"}', "UTF-8"),
    "an overlong NUL": (b'{"event":"\xc0\x80"}', "UTF-8"),
    "half a line": (b'{"event":"click","entity', "not JSON"),
    "two objects": (b'{"event":"click"}{"event":"click"}', "not JSON"),
    "a list": (b'["click"]', "object"),
    "a text": (b'"click"', "object"),
    "a leading zero": (b'{"value":01}', "not JSON"),
    "single quotes": (b"{'event':'click'}", "not JSON"),
    "nothing": (b"  ", "not JSON"),
    "UTF-16": ('{"event":"click"}'.encode("utf-16"), "not"),
    "gzip": (b"\x1f\x8b\x08\x00abc", "not JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_gets_a_reason(name):
    line, reason = HOSTILE[name]
    with pytest.raises(DataError, match=reason) as caught:
        parse_object(line)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("format_name", FORMATS.names())
@pytest.mark.parametrize("name", HOSTILE)
def test_no_format_takes_a_hostile_line(format_name, name):
    with pytest.raises(DataError):
        reader(format_name, undated=True)(HOSTILE[name][0])


@pytest.mark.parametrize(
    "line",
    [
        '{"query": "a\u2028b\u2029c\x85d"}',
        '{"query":"\\u0000"}',
        '{"query":"\\ud83d\\ude00"}',
        '{"query":": :: \\":\\" \\\\\\":"}',
        '{"a":{"b":1,"c":{"b":2}},"b":[{"b":1},{"b":2}]}',
        '{ "a" : 1 , "b"\t:\r2 }\r',
        '{"a":"b :","b":" :"}',
        "{}",
    ],
)
def test_what_is_unusual_but_meant_is_read(line):
    assert parse_object(line.encode()) == json.loads(line)


def test_a_line_of_megabytes_is_read_in_time():
    line = json.dumps({"results": [{"id": str(n), "position": n} for n in range(1, 100_000)]}).encode()
    assert len(parse_object(line)["results"]) == 99_999


keys = st.sampled_from(["a", "b", 'c"', ":", "d :", "\\"])
values = st.recursive(
    st.none() | st.integers(-5, 5) | st.text('":, \\\t', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(st.tuples(keys, inner), max_size=3).map(lambda pairs: ("object", pairs))
    ),
    max_leaves=12,
)


def written(value: object, between: str) -> tuple[str, bool]:
    """JSON text of a value whose objects are lists of pairs, and whether some key stands twice."""
    if isinstance(value, tuple) and value and value[0] == "object":
        parts = [(json.dumps(key) + between, *written(inner, between)) for key, inner in value[1]]
        names = [key for key, _ in value[1]]
        twice = len(set(names)) < len(names) or any(part[2] for part in parts)
        return "{" + ",".join(key + text for key, text, _ in parts) + "}", twice
    if isinstance(value, list):
        parts = [written(inner, between) for inner in value]
        return "[" + ",".join(text for text, _ in parts) + "]", any(twice for _, twice in parts)
    return json.dumps(value), False


@pytest.mark.turns(4)
@given(st.lists(st.tuples(keys, values), max_size=5), st.sampled_from([":", ": ", " : ", "\t:", "\r: ", "  :"]))
@example([("a", ": "), ("a", 1)], " :")
@settings(max_examples=300, deadline=None)
def test_a_key_that_stands_twice_is_always_found_and_never_imagined(pairs, between):
    text, twice = written(("object", pairs), between)
    if twice:
        with pytest.raises(DataError, match="twice"):
            parse_object(text.encode())
    else:
        assert parse_object(text.encode()) == json.loads(text)


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_an_object_or_a_reason(data):
    try:
        record = parse_object(data)
    except DataError:
        return
    assert isinstance(record, dict)
