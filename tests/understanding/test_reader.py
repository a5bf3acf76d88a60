"""What may a query mean?"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Reading, Slot
from ltrr_cli.text.normalise import query_key
from ltrr_cli.understanding.reader import SIGNALS, Understanding

HOSTILE = (
    "", " ", "\U0001f3b8\U0001f3b8", "love " * 20_000, "\ud800love\udfff", "שלום עולם", "\ufdfa" * 600, "((((", "\0",
    "a" * 100_000, "a b " * 20, "xbox360 " * 30,
)  # fmt: skip
WORDS = ("love", "xbox360", "x", "box", "tayler", "swft", "rock", "albums", "1981", "the", "\U0001f3b8")


def test_a_long_question_is_read_to_its_end_though_only_its_beginning_is_interpreted(understanding: Understanding):
    words = [f"word{number}" for number in range(40)]
    reading = understanding.read(" ".join(words))
    assert (*reading.tokens, *reading.rest) == tuple(words)
    assert len(reading.tokens) == 32
    assert understanding.read("love").rest == ()


def slots_of(reading: Reading, field: str) -> dict[str, Slot]:
    return {slot.value: slot for slot in reading.slots if slot.field == field}


def check(query: str, reading: Reading) -> None:
    count = len(reading.tokens)
    assert reading.key == query_key(query) == "".join(reading.tokens)
    assert bool(reading.words) == bool(reading.tokens)
    assert abs(sum(reading.intent.values()) - 1) < 1e-9
    assert all(odds >= 0 for odds in reading.intent.values())
    assert all(0 <= slot.odds <= 1 and 0 <= slot.start < slot.end <= count for slot in reading.slots)
    for start, end in {(slot.start, slot.end) for slot in reading.slots}:
        assert sum(slot.odds for slot in reading.slots if (slot.start, slot.end) == (start, end)) <= 1 + 1e-9
    assert all(0 < fix.odds <= 1 and fix.offered for fix in reading.corrections)
    odds = [one.odds for one in reading.interpretations]
    assert odds == sorted(odds, reverse=True)
    assert sum(odds) <= 1 + 1e-9
    for one in reading.interpretations:
        assert all(left.end <= right.start for left, right in zip(one.slots, one.slots[1:], strict=False))
        assert set(one.slots) <= set(reading.slots)
    assert tuple(reading.signals) == SIGNALS
    assert all(math.isfinite(value) for value in reading.signals.values())


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: repr(query[:8]))
def test_no_query_breaks_it(understanding: Understanding, query: str):
    check(query, understanding.read(query))


@settings(deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), max_size=9))
def test_every_reading_is_whole_and_the_same_twice(words: list[str]):
    query = " ".join(words)
    reading = OPENED[0].read(query)
    check(query, reading)
    assert OPENED[0].read(query) == reading


OPENED: list[Understanding] = []


@pytest.fixture(autouse=True, scope="module")
def _opened(understanding: Understanding) -> None:
    OPENED[:] = [understanding]


def test_a_word_has_several_readings_each_with_odds(understanding: Understanding):
    reading = understanding.read("love")
    assert {"love"} == set(slots_of(reading, "title"))
    assert "love songs" in slots_of(reading, "genre")
    assert len(reading.interpretations) >= 2


def test_a_misspelt_name_is_found_and_its_words_corrected(understanding: Understanding):
    reading = understanding.read("tayler swft")
    assert reading.tokens == ("tayler", "swft")
    assert reading.words == ("taylor", "swift")
    assert {fix.typed: fix.offered for fix in reading.corrections}["swft"] == ("swift",)
    assert reading.interpretations[0].slots[0].value == "taylor swift"
    assert 0 < reading.interpretations[0].slots[0].odds < 1
    assert 0.6 < reading.signals["name_likeness"] < 1
    assert max(reading.intent, key=reading.intent.get) == "spearfishing"


def test_a_name_is_spearfishing_and_a_value_is_a_topic(understanding: Understanding):
    name, topic = understanding.read("queen"), understanding.read("alternative rock")
    assert max(name.intent, key=name.intent.get) == "spearfishing"
    assert max(topic.intent, key=topic.intent.get) == "topic"
    assert (name.signals["exact_name"], topic.signals["exact_name"]) == (1.0, 0.0)


def test_spans_combine_to_interpretations(understanding: Understanding):
    best = understanding.read("rock albums 1981").interpretations[0]
    assert [(slot.field, slot.value) for slot in best.slots] == [("genre", "rock"), ("type", "album"), ("year", "1981")]


@pytest.mark.parametrize("typed", ["xbox360 controller", "x box 360 controller", "XBOX 360 controller"])
def test_glued_and_split_words_name_the_same(understanding: Understanding, typed: str):
    reading = understanding.read(typed)
    assert reading.signals["exact_name"] == 1.0
    assert reading.words == ("xbox", "360", "controller")
    assert slots_of(reading, "title")["xbox 360 controller"].end == len(reading.tokens)


def test_a_known_word_is_left_as_it_was_typed(understanding: Understanding):
    assert understanding.read("rocksmith").words == ("rocksmith",)
    assert understanding.read("rocksmith").corrections == ()


def test_a_name_among_other_words_is_found(understanding: Understanding):
    found = slots_of(understanding.read("taylor swift pop"), "title")["taylor swift"]
    assert (found.start, found.end) == (0, 2)


def test_identifiers_prices_and_bare_words_are_no_values(understanding: Understanding):
    for query in ("0882780756328", "9.5", "no"):
        assert not [slot for slot in understanding.read(query).slots if slot.field in ("ean", "price", "live")]


def test_the_language_is_a_guess_that_a_locale_may_move(understanding: Understanding):
    assert understanding.read("love").language == "en"
    assert understanding.read("love", "fr_CA").language == "fr"
    assert understanding.read("東京タワー").language == "ja"
    assert understanding.read("東京タワー").signals["workspace_language"] == 0.0


def test_an_unknown_query_has_no_slots_and_stays_as_typed(understanding: Understanding):
    reading = understanding.read("zzyzx qqq")
    assert reading.words == ("zzyzx", "qqq")
    assert reading.slots == reading.corrections == reading.interpretations == ()
    assert reading.signals["known_share"] == 0.0
    assert reading.signals["max_idf"] == pytest.approx(math.log(69))


def test_two_builds_write_the_same_bytes(catalog: Columns, folder: Path, tmp_path: Path):
    Understanding.build(catalog, tmp_path, "en")
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in folder.iterdir()}
    for file in folder.iterdir():
        assert file.read_bytes() == (tmp_path / file.name).read_bytes()


def test_a_catalog_without_words_is_understood(tmp_path: Path):
    from ltrr_cli.core.types import Entity

    for part in ("columns", "understanding"):
        (tmp_path / part).mkdir()
    Columns.build([Entity("1", "")], tmp_path / "columns")
    Understanding.build(Columns.open(tmp_path / "columns"), tmp_path / "understanding", "en")
    check("love rock", Understanding.open(tmp_path / "understanding").read("love rock"))
