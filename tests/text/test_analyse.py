import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.analyse import MAX_QUERY_TERMS, Analyzer
from ltrr_cli.text.normalise import tokens


def test_inflections_of_a_word_become_one_term():
    analyzer = Analyzer("en")
    assert analyzer.terms("connection connections connected") == ["connect"] * 3


def test_repeats_and_order_are_kept():
    assert Analyzer("en").terms("New York, New York") == ["new", "york", "new", "york"]


def test_each_language_has_its_own_stemmer():
    assert Analyzer("de").terms("Häuser") == ["haus"]
    assert Analyzer("fr").terms("chanteuses") == ["chanteux"]
    assert Analyzer("ru").terms("песнями") == Analyzer("ru").terms("песням")


@pytest.mark.parametrize("language", ["en-GB", "EN", "en_US"])
def test_a_region_does_not_matter(language):
    assert Analyzer(language).terms("songs") == ["song"]


@pytest.mark.parametrize("language", ["", "xx", "klingon"])
def test_an_unknown_language_is_not_stemmed(language):
    assert Analyzer(language).terms("The Songs") == ["the", "songs"]
    assert not Analyzer(language).is_stop("the")


def test_stop_words_are_told_apart_but_not_dropped():
    analyzer = Analyzer("en")
    assert len(analyzer.terms("The The")) == 2
    assert analyzer.is_stop("the")
    assert not analyzer.is_stop("queen")
    assert Analyzer("de").is_stop("uber"), "stop words are folded as tokens are"


def test_scripts_without_spaces_become_pairs_that_a_part_of_them_finds():
    analyzer = Analyzer("en")
    document = analyzer.terms("宇多田ヒカル First Love")
    assert document == ["宇多", "多田", "田ヒ", "ヒカ", "カル", "first", "love"]
    assert set(analyzer.query_terms("ヒカル")) <= set(document)


def test_a_lone_character_stays():
    assert Analyzer("en").terms("猫") == ["猫"]
    assert Analyzer("en").terms("A面") == ["a", "面"]


def test_a_query_is_capped_and_a_document_is_not():
    analyzer = Analyzer("en")
    assert len(analyzer.query_terms("a b " * 1000)) == 32
    assert len(analyzer.query_terms("漢" * 5000)) == MAX_QUERY_TERMS
    assert len(analyzer.terms("a b " * 1000)) == 2000


@given(st.text())
def test_terms_hold_no_space_and_are_the_same_twice(text):
    analyzer = Analyzer("en")
    terms = analyzer.terms(text)
    assert terms == analyzer.terms(text)
    assert all(term and not any(map(str.isspace, term)) for term in terms)
    assert bool(terms) == bool(tokens(text))


def test_threads_with_an_analyzer_each_agree():
    words = [f"{word}ations {word}ing {word}ed" for word in ("relax", "inform", "anim", "nav")] * 50
    expected = [Analyzer("en").terms(word) for word in words]
    answers = []

    def work():
        analyzer = Analyzer("en")
        answers.append([analyzer.terms(word) for word in words])

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers == [expected] * 4
