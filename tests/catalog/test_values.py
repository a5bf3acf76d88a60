from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.catalog.values import MOST_KEYS, MOST_VALUES, attributes_of, number_of, texts_of, unwrapped


def made(value: object, name: str = "k") -> tuple[dict, list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    return attributes_of(name, value, lambda check, field, _: told.append((check, field))), told


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jazz", {"k": "jazz"}),
        (1959, {"k": 1959.0}),
        (True, {"k": "true"}),
        (["a", "b"], {"k": ("a", "b")}),
        ([1, 2.5, "x", False], {"k": ("1", "2.5", "x", "false")}),
        ([[1, 2], [3]], {"k": ("1", "2", "3")}),
        ({"name": "Somebody"}, {"k.name": "Somebody"}),
        ({"width": 3, "depth": {"cm": 4}}, {"k.width": 3.0, "k.depth.cm": 4.0}),
        ([{"id": 16, "name": "Animation"}], {"k.id": ("16",), "k.name": ("Animation",)}),
        ([{"name": "a"}, {"name": "b", "role": "x"}], {"k.name": ("a", "b"), "k.role": ("x",)}),
        ([{"of": {"name": "a"}}, {"of": {"name": "b"}}], {"k.of.name": ("a", "b")}),
        ({"tags": ["x", "y"], "n": None}, {"k.tags": ("x", "y")}),
        (["x", {"y": "z"}], {"k": ("x",), "k.y": ("z",)}),
        ({"$oid": "5f"}, {"k": "5f"}),
        ([{"$numberLong": "5"}], {"k": ("5",)}),
        (None, {}),
        ("", {}),
        ([], {}),
        ({}, {}),
    ],
)
def test_what_nests_is_flattened_and_what_is_empty_left_out(value, expected):
    assert made(value)[0] == expected


@pytest.mark.parametrize(
    ("value", "expected", "check"),
    [
        (["S", None, "L"], {"k": ("S", "L")}, "nulls"),
        (["S", "", "L"], {"k": ("S", "L")}, "nulls"),
        ([None], {}, "nulls"),
        (10**400, {}, "unusable"),
        ([1, 10**400], {"k": ("1",)}, "unusable"),
        ({str(n): n for n in range(MOST_KEYS + 1)}, {}, "wide"),
        ({"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}, {}, "deep"),
        ([str(n) for n in range(MOST_VALUES + 5)], {"k": tuple(map(str, range(MOST_VALUES)))}, "many"),
    ],
)
def test_only_the_value_that_cannot_be_used_is_left_out_and_it_is_told(value, expected, check):
    found, told = made(value)
    assert found == expected
    assert check in {one for one, _ in told}


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12.0), ("-3.5", -3.5), (" 7 ", 7.0), ("1,234", 1234.0), ("1,234,567.8", 1234567.8), ("1 234", 1234.0),
     ("1e3", 1000.0), (".5", 0.5), ("1,5", None), ("12%", None), ("", None), ("nan", None), ("inf", None),
     ("1e999", None), ("1_000", 1000.0), ("0x10", None), ("12,34", None)],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(text, number):
    assert number_of(text) == number


def test_texts_are_found_wherever_they_stand():
    assert texts_of({"en": "Toy", "more": [{"de": "Spiel"}, None, 7, 2.5, True]}) == ["Toy", "Spiel", "7", "2.5"]
    assert unwrapped({"$date": {"$numberLong": "5"}}) == "5"
    assert unwrapped({"a": 1}) == {"a": 1}


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
anything = st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner))


@given(anything)
def test_whatever_stands_under_a_key_makes_attributes_that_can_be_kept(value):
    found, _ = made(value)
    for name, kept in found.items():
        assert name == "k" or name.startswith("k.")
        assert isinstance(kept, str | float) or (kept and all(isinstance(part, str) for part in kept))
    json.dumps(found, allow_nan=False)
