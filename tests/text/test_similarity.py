"""How alike are short strings?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.similarity import REORDERED, alike, closeness, edits, name_likeness

words = st.text("abcde", min_size=1, max_size=8)


@given(left=words, right=words)
def test_edits_are_symmetric_zero_for_equals_and_capped(left: str, right: str):
    assert edits(left, [right], 2) == edits(right, [left], 2)
    assert (edits(left, [right], 2)[0] == 0) == (left == right)
    assert edits(left, [right], 2)[0] <= 3


def test_two_letters_swapped_are_one_edit():
    assert edits("xobx", ["xbox"], 2).tolist() == [1]


@given(left=words, right=words)
def test_likenesses_stay_between_0_and_1_and_only_equals_reach_1(left: str, right: str):
    for likeness in (alike(left, right), closeness(left, [right])[0]):
        assert 0 <= likeness <= 1
        assert (likeness == 1) == (left == right)


def test_spaces_do_not_count_in_names():
    assert name_likeness(["x", "box", "360"], ["xbox 360"]).tolist() == [1.0]


def test_words_in_another_order_are_almost_the_same_name():
    assert name_likeness(["swift", "taylor"], ["taylor swift"])[0] == name_likeness(["b", "a"], ["a b"])[0]
    assert round(float(name_likeness(["b", "a"], ["a b"])[0]), 6) == REORDERED


def test_no_names_have_no_likeness():
    assert name_likeness(["a"], []).shape == (0,)
