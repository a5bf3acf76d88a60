"""Texts found by hash."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.storage.lookup import Groups, Lookup

texts = st.lists(st.text(max_size=8), unique=True, max_size=30)


@given(known=texts, asked=texts)
def test_exactly_the_known_texts_are_found_at_their_places(known: list[str], asked: list[str]):
    found = Lookup.of("t", Lookup.arrays("t", known)).find([*known, *asked]).tolist()
    assert found == [*range(len(known)), *(known.index(text) if text in known else -1 for text in asked)]


def test_places_may_be_given_and_the_first_of_equal_texts_counts():
    lookup = Lookup.of("t", Lookup.arrays("t", ["b", "a", "b"], [7, 8, 9]))
    assert lookup.find(["a", "b"]).tolist() == [8, 7]


@given(groups=st.dictionaries(st.text(max_size=5), st.lists(st.integers(0, 99), max_size=4), max_size=10))
def test_groups_keep_their_order(groups: dict[str, list[int]]):
    opened = Groups.of("g", Groups.arrays("g", groups))
    assert [group.tolist() for group in opened.find(list(groups))] == list(groups.values())
    assert [opened.group(number).tolist() for number in range(len(groups))] == list(groups.values())
