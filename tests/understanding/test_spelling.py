"""What may have been meant by doubtful words?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ltrr_cli.core.types import Entity
from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.vocabulary import Vocabulary, WordCounts
from ltrr_cli.understanding.spelling import Speller, Spelling
from ltrr_cli.understanding.values import ValueCounts, Values


class Bench:
    """A speller over words with given frequencies."""

    def __init__(self, folder: Path) -> None:
        counts = WordCounts()
        for word, frequency in (
            ("guitar", 300), ("gutar", 1), ("xbox", 200), ("360", 150), ("x", 90), ("box", 80), ("a", 900),
            ("way", 400), ("away", 100), ("head", 90), ("phones", 60), ("headphones", 200), ("soft", 250),
            ("swift", 20), ("xbox36", 3),
        ):  # fmt: skip
            for _ in range(frequency):
                counts.add([word], [], [])
        Vocabulary.build(folder, counts)
        values = ValueCounts()
        values.add(Entity("1", "", attributes={"genre": "best song ever"}))
        Values.build(folder, values, lambda word: word)
        NameIndex.build(folder, ["Linkin Park"])
        self.vocabulary = Vocabulary.open(folder)
        self.speller = Speller(self.vocabulary, NameIndex.open(folder), Values.open(folder), {"a"}.__contains__)

    def __call__(self, query: str, alike: Sequence[Sequence[str]] = ()) -> Spelling:
        tokens = query.split(" ")
        return self.speller.spell(tokens, self.vocabulary.frequencies(tokens).tolist(), alike)


@pytest.fixture(scope="module")
def spell(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("speller"))


def test_an_unknown_word_is_corrected(spell: Bench):
    found = spell("guitra")
    assert found.words == ("guitar",)
    assert found.corrections[0].odds > 0.9
    assert found.instead[0][0] == "guitar"


def test_a_rare_known_word_is_doubted_but_never_replaced(spell: Bench):
    found = spell("gutar")
    assert found.words == ("gutar",)
    assert found.corrections[0].offered == ("guitar",)
    assert found.corrections[0].odds < 0.9


def test_a_common_word_is_not_doubted(spell: Bench):
    assert spell("swift").corrections == ()


def test_a_name_that_resembles_the_query_tells_which_neighbour_is_meant(spell: Bench):
    assert spell("swft").instead[0][1] < spell("swft", [["taylor", "swift"]]).instead[0][1]
    assert spell("swft", [["taylor", "swift"]]).words == ("swift",)


def test_glued_words_are_taken_apart(spell: Bench):
    assert spell("xbox360").words == ("xbox", "360")
    assert spell("linkinpark").words == ("linkin", "park")
    assert spell("bestsongever").words == ("best", "song", "ever")
    assert spell("headway").words == ("head", "way")


def test_split_words_are_joined_where_the_whole_is_usual(spell: Bench):
    assert spell("x box 360").words == ("xbox", "360")
    assert spell("a way").words == ("a", "way")
    assert spell("head phones").corrections[0].offered == ("headphones",)
    assert spell("head phones").words == ("head", "phones")
    assert spell("head phones", [["headphones", "case"]]).words == ("headphones",)


def test_numbers_stay(spell: Bench):
    assert spell("361").corrections == ()
    assert spell("36 0").corrections == ()


def test_alternatives_share_their_odds(spell: Bench):
    for word in ("swft", "guitra", "gutar", "xbox360"):
        assert 0 < sum(fix.odds for fix in spell(word).corrections) <= 1 + 1e-9
