"""How slots fit together."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.core.types import Interpretation, Slot
from ltrr_cli.understanding.interpret import MOST_INTERPRETATIONS, entropy, intent, interpretations

LENGTH = 5
slots = st.lists(
    st.builds(
        lambda field, odds, start, size: Slot(field, f"v{start}{size}", odds, start, min(start + size, LENGTH)),
        st.sampled_from(["title", "type", "genre"]),
        st.floats(0.01, 0.3),
        st.integers(0, LENGTH - 1),
        st.integers(1, 3),
    ),
    max_size=10,
    unique_by=lambda slot: (slot.field, slot.start, slot.end),
)


@given(slots=slots)
def test_they_do_not_overlap_and_come_likeliest_first(slots: list[Slot]):
    found = interpretations(slots, LENGTH)
    assert len(found) <= MOST_INTERPRETATIONS
    assert len({one.slots for one in found}) == len(found)
    assert [one.odds for one in found] == sorted((one.odds for one in found), reverse=True)
    assert sum(one.odds for one in found) <= 1 + 1e-9
    for one in found:
        assert one.slots
        assert all(left.end <= right.start for left, right in zip(one.slots, one.slots[1:], strict=False))


@given(slots=slots, rarity=st.floats(0, 1))
def test_intents_sum_to_one(slots: list[Slot], rarity: float):
    intents = intent(interpretations(slots, LENGTH), LENGTH, rarity)
    assert sum(intents.values()) == pytest.approx(1)
    assert min(intents.values()) >= 0


def test_one_slot_over_both_words_beats_one_over_half_of_them():
    whole, half = Slot("genre", "love songs", 0.6, 0, 2), Slot("title", "love", 0.6, 0, 1)
    assert interpretations([half, whole], 2)[0].slots == (whole,)


def test_a_likely_slot_beats_an_unlikely_one():
    likely, unlikely = Slot("genre", "rock", 0.6, 0, 1), Slot("title", "rock", 0.2, 0, 1)
    first, second = interpretations([unlikely, likely], 1)
    assert (first.slots, second.slots) == ((likely,), (unlikely,))
    assert first.odds == pytest.approx(3 * second.odds)


def test_nothing_known_has_no_interpretation_and_no_intent():
    assert interpretations([], 3) == ()
    assert intent((), 0, 0.0) == {"spearfishing": 0.0, "topic": 0.0, "mixed": 1.0}


def test_a_rare_word_hints_at_one_entity_and_common_words_at_a_topic():
    rare, common = intent((), 1, 1.0), intent((), 1, 0.0)
    assert rare["spearfishing"] > rare["topic"] == 0
    assert common["topic"] > common["spearfishing"] == 0


def test_a_long_question_is_no_name_only_because_some_word_is_rare():
    brief, long = intent((), 3, 1.0), intent((), 30, 1.0)
    assert brief["spearfishing"] == 0.5
    assert long["spearfishing"] + 0.5 * long["mixed"] < 0.05
    assert long["topic"] > 0.95


def test_a_title_that_is_the_whole_of_a_long_text_stays_a_name():
    whole = Interpretation((Slot("title", "a long title", 1.0, 0, 12),), 0.9)
    assert intent((whole,), 12, 1.0)["spearfishing"] > 0.9


def test_entropy_is_that_of_all_odds():
    assert entropy(()) == 0.0
    assert entropy([Interpretation((), 0.25), Interpretation((), 0.25)]) == pytest.approx(
        0.5 * math.log(4) + 0.5 * math.log(2)
    )
