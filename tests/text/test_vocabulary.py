"""The words of a catalog."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.text.vocabulary import Neighbour, Vocabulary, WordCounts


@pytest.fixture
def vocabulary(tmp_path: Path) -> Vocabulary:
    counts = WordCounts()
    counts.add(["taylor", "swift"], ["pop", "pop"], ["taylor", "sings", "slowly"])
    counts.add(["james", "taylor"], ["folk"], [])
    counts.add(["tyler"], ["rap"], ["2011"])
    Vocabulary.build(tmp_path, counts)
    return Vocabulary.open(tmp_path)


def test_it_counts_entities_not_occurrences(vocabulary: Vocabulary):
    assert vocabulary.entities == 3
    assert vocabulary.frequencies(["taylor", "pop", "sings", "nowhere"]).tolist() == [2, 1, 1, 0]


def test_it_knows_where_words_stand(vocabulary: Vocabulary):
    taylor, pop, sings = vocabulary.find(["taylor", "pop", "sings"])
    assert [vocabulary.titles[place] for place in (taylor, pop, sings)] == [2, 0, 0]
    assert [vocabulary.values[place] for place in (taylor, pop, sings)] == [0, 1, 0]
    assert vocabulary.word(taylor) == "taylor"


def test_rare_words_weigh_more(vocabulary: Vocabulary):
    assert vocabulary.idf(3) == 0.0
    assert vocabulary.idf(0) > vocabulary.idf(1) > vocabulary.idf(2) > 0


def test_neighbours_come_nearest_first_then_by_frequency(vocabulary: Vocabulary):
    assert vocabulary.neighbours("tayler", 5) == [Neighbour("taylor", 1, 2), Neighbour("tyler", 1, 1)]
    assert vocabulary.neighbours("tayler", 1) == [Neighbour("taylor", 1, 2)]


def test_a_word_is_not_its_own_neighbour(vocabulary: Vocabulary):
    assert "taylor" not in [near.word for near in vocabulary.neighbours("taylor", 5)]


def test_rare_words_of_running_text_and_numbers_are_not_offered(vocabulary: Vocabulary):
    assert vocabulary.neighbours("slowlly", 5) == []
    assert vocabulary.neighbours("2012", 5) == []


def test_an_empty_vocabulary_answers(tmp_path: Path):
    Vocabulary.build(tmp_path, WordCounts())
    empty = Vocabulary.open(tmp_path)
    assert len(empty) == 0
    assert empty.frequencies(["a"]).tolist() == [0]
    assert empty.neighbours("guitar", 3) == []
    assert empty.idf(0) == 0.0
