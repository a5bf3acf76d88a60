import math
import os
import random
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltrr_cli.backends import fulltext
from ltrr_cli.backends.fulltext import FullText
from ltrr_cli.core.errors import DamagedError, DataError, NoSpaceError, UsageError

SONGS = [
    ("love me do", "love me do beatles"),
    ("all you need is love", "all you need is love beatles"),
    ("", "instrumental"),
    ("love love love", "love love love beatles love"),
    ("yesterday", "yesterday beatles beatles beatles"),
]


def indexed(folder, documents=SONGS, **options):
    pairs = ((title.split(), everything.split()) for title, everything in documents)
    assert fulltext.build(folder, pairs, **options) == len(documents)
    return FullText.open(folder)


def all_of(*terms):
    return [("all", term, 1.0) for term in terms]


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return indexed(tmp_path_factory.mktemp("songs") / "index")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """2,000 short documents over 12 words: nearly every score is a tie."""
    dice = random.Random(5)
    documents = [(text := " ".join(dice.choices("abcdefghijkl", k=dice.randint(1, 4))), text) for _ in range(2000)]
    return indexed(tmp_path_factory.mktemp("many") / "index", documents)


def bm25(query, documents):
    """BM25 (k1 = 1.2, b = .75) with Lucene's idf; lengths below 40 are kept exactly by Tantivy."""
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for term in query:
            holding = sum(term in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            tf = document.count(term)
            score += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(document) / mean))
        scores.append(score)
    return scores


def test_scores_are_bm25(songs):
    documents = [everything.split() for _, everything in SONGS]
    expected = bm25(["love", "beatles"], documents)
    rows, scores = songs.search(all_of("love", "beatles"), 10)
    assert sorted(rows.tolist()) == [0, 1, 3, 4]
    assert scores == pytest.approx([expected[row] for row in rows], rel=1e-5)
    assert list(scores) == sorted(scores, reverse=True)
    assert (rows.dtype, scores.dtype) == (np.int32, np.float32)


def test_a_repeated_term_counts_as_often_as_it_stands(songs):
    once, twice = songs.search(all_of("love"), 5)[1], songs.search(all_of("love", "love"), 5)[1]
    assert twice == pytest.approx(2 * once)


def test_a_boosted_title_moves_a_document_up(songs):
    plain = songs.search(all_of("yesterday", "love"), 5)
    boosted = songs.search([*all_of("yesterday", "love"), ("title", "yesterday", 9.0)], 5)
    assert boosted[0][0] == 4
    assert boosted[1][0] > plain[1].max()


def test_fields_are_apart(songs):
    assert songs.search([("title", "beatles", 1.0)], 5)[0].size == 0
    assert songs.search([("all", "beatles", 1.0)], 5)[0].size == 4
    with pytest.raises(UsageError, match="no field 'artist'"):
        songs.search([("artist", "queen", 1.0)], 5)


def test_minimum_match_counts_words_not_fields(songs):
    both = [("all", "love", 1.0), ("title", "love", 1.0), ("all", "need", 1.0), ("title", "need", 1.0)]
    assert sorted(songs.search(both, 5)[0].tolist()) == [0, 1, 3]
    assert songs.search(both, 5, minimum_match=2)[0].tolist() == [1]
    assert songs.search(both, 5, minimum_match=3)[0].size == 0


@pytest.mark.parametrize("terms", [[], all_of("absent")])
def test_what_is_not_there_is_not_found(songs, terms):
    rows, scores = songs.search(terms, 5)
    assert rows.size == scores.size == 0


@pytest.mark.parametrize("limit", [-(2**40), 0])
def test_a_limit_below_one_finds_nothing(songs, limit):
    assert songs.search(all_of("love"), limit)[0].size == 0


def test_a_huge_limit_finds_all(songs):
    assert songs.search(all_of("love"), 2**40)[0].size == 3


@pytest.mark.parametrize("boost", [0.0, -1.0, math.nan, math.inf])
def test_a_boost_is_positive_and_finite(songs, boost):
    with pytest.raises(UsageError, match="boost"):
        songs.search([("all", "love", boost)], 5)


@pytest.mark.parametrize("term", ["(" * 5000, '24"', "a b", "\ud800", "", "x" * 100_000, "AND", "title:love", "\x00"])
def test_no_term_is_dangerous(tmp_path, term):
    index = indexed(tmp_path / "index", SONGS)
    index.search(all_of(term, "love"), 5)
    fulltext.build(tmp_path / "other", [([], [term]), (["b"], ["b"])])
    other = FullText.open(tmp_path / "other")
    assert len(other) == 2
    assert other.search(all_of(term), 2)[0].tolist() == ([0] if term else [])


def test_an_overlong_term_is_cut_alike_on_both_sides(tmp_path):
    index = indexed(tmp_path / "index", [("", "z" * 70_000)])
    assert index.search(all_of("z" * 70_000), 1)[0].tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=5), st.lists(st.integers(1, 2000), max_size=4))
def test_a_longer_list_begins_with_the_shorter_and_ties_go_by_row(many, words, limits):
    terms = [*all_of(*words), ("title", words[0], 0.3)]
    rows, scores = many.search(terms, 2000)
    assert rows.tolist() == rows[np.lexsort((rows, -scores))].tolist()
    assert len(set(rows.tolist())) == len(rows)
    for limit in limits:
        shorter = many.search(terms, limit)
        assert shorter[0].tolist() == rows[:limit].tolist()
        assert shorter[1].tolist() == scores[:limit].tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=4), st.integers(1, 300), st.integers(0, 999))
@pytest.mark.parametrize("by_name", [True, False])
def test_a_filter_only_takes_away(many, monkeypatch_module, by_name, words, limit, seed):
    monkeypatch_module.setattr(fulltext, "_ROW_SET", 2000 if by_name else 0)
    dice = np.random.default_rng(seed)
    allowed = dice.random(2000) < dice.random() ** 3
    rows, scores = many.search(all_of(*words), 2000)
    keep = allowed[rows]
    found = many.search(all_of(*words), limit, allowed)
    assert found[0].tolist() == rows[keep][:limit].tolist()
    assert found[1].tolist() == scores[keep][:limit].tolist()


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_nothing_allowed_finds_nothing(songs):
    assert songs.search(all_of("love"), 5, np.zeros(5, bool))[0].size == 0


def test_rows_are_scored_as_the_search_scores_them(many):
    terms = [*all_of("a", "b"), ("title", "a", 0.3)]
    rows, scores = many.search(terms, 2000)
    known = dict(zip(rows.tolist(), scores.tolist(), strict=True))
    asked = np.array([7, 7, 1999, 0, *range(100, 140)], np.int32)
    given_scores = many.score_rows(terms, asked)
    assert np.isnan(given_scores).any()
    np.testing.assert_array_equal(given_scores, np.float32([known.get(row, np.nan) for row in asked.tolist()]))
    assert many.score_rows(terms, np.empty(0, np.int32)).shape == (0,)
    assert np.isnan(many.score_rows([], asked)).all()
    assert np.isnan(many.score_rows(all_of("absent"), asked)).all()


@pytest.mark.turns(4)
def test_several_segments_answer_as_one(tmp_path, monkeypatch):
    dice = random.Random(7)
    vocabulary = [f"{n:x}" for n in range(20_000)]
    documents = []
    for _ in range(6_000):
        rare = " ".join(dice.choices(vocabulary, k=60))
        documents.append(("", f"{dice.choice('gh')} {rare}"))
    whole = indexed(tmp_path / "one", documents)
    parts = indexed(tmp_path / "many", documents, heap_bytes=15_000_000)
    if parts._one_segment:
        pytest.fail("the heap was too large to cut a second segment")
    for limit in (1, 7, 100, 4000):
        rows, scores = parts.search(all_of("g"), limit)
        assert rows.tolist() == whole.search(all_of("g"), limit)[0].tolist()
        assert scores == pytest.approx(whole.search(all_of("g"), limit)[1], rel=1e-5)


def test_an_empty_catalog_is_no_error(tmp_path):
    index = indexed(tmp_path / "index", [])
    assert len(index) == 0
    assert index.search(all_of("love"), 5)[0].size == 0
    assert index.search(all_of("love"), 5, np.zeros(0, bool))[0].size == 0
    assert index.score_rows(all_of("love"), np.empty(0, np.int32)).size == 0


def test_the_callers_own_error_passes(tmp_path):
    def documents():
        yield ["a"], ["a"]
        raise ValueError("line 2 is bad")

    with pytest.raises(ValueError, match="line 2 is bad"):
        fulltext.build(tmp_path / "index", documents())


def test_building_where_an_index_stands_is_refused(tmp_path):
    indexed(tmp_path / "index")
    with pytest.raises(DataError, match="already holds"):
        fulltext.build(tmp_path / "index", [])


def test_a_full_disk_is_named(tmp_path, monkeypatch):
    def documents():
        for number in range(3_000):
            yield [], [f"{number:x}{place:x}" for place in range(50)]
            if number == 10:  # from now on nothing can be written: the folder's files have nowhere to go
                (tmp_path / "index").rename(tmp_path / "away")
                monkeypatch.setattr("ltrr_cli.backends.files._free_bytes", lambda folder: 0)

    with pytest.raises(NoSpaceError, match="no space left"):
        fulltext.build(tmp_path / "index", documents(), heap_bytes=15_000_000)


def test_a_missing_index_is_named(tmp_path):
    with pytest.raises(DamagedError, match=r"fulltext\.json"):
        FullText.open(tmp_path / "nowhere")


@pytest.mark.parametrize("harm", ["cut", "missing"])
@pytest.mark.parametrize("name", ["meta.json", "*.term", "*.idx", "*.fast", "fulltext.json"])
def test_harm_to_a_file_is_damage(tmp_path, name, harm):
    indexed(tmp_path / "whole")
    # harmed in a copy: the files of the first may still be mapped, and cutting those kills the process
    shutil.copytree(tmp_path / "whole", tmp_path / "index")
    path = next((tmp_path / "index").glob(name))
    content = path.read_bytes()
    path.unlink()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DamagedError):
        FullText.open(tmp_path / "index").search(all_of("love"), 5)


def test_an_index_of_another_length_is_damage(tmp_path):
    indexed(tmp_path / "index")
    header = tmp_path / "index" / "fulltext.json"
    header.write_text(header.read_text().replace("5", "6"))
    with pytest.raises(DamagedError, match="holds 5 documents, 6"):
        FullText.open(tmp_path / "index")


def test_reading_leaves_the_files_as_they_are(tmp_path):
    index = indexed(tmp_path / "index")

    def stamps():
        return {path.name: path.stat().st_size for path in (tmp_path / "index").iterdir()}

    before = stamps()
    index.search(all_of("love"), 5)
    FullText.open(tmp_path / "index").search(all_of("love"), 5)
    assert stamps() == before


def test_a_lock_put_into_a_temporary_folder_while_it_is_emptied_does_not_keep_it(tmp_path, monkeypatch):
    indexed(tmp_path / "index")
    real, folders = shutil.rmtree, []

    def emptied(folder, ignore_errors):
        folders.append(folder)
        real(folder, ignore_errors=ignore_errors)
        if len(folders) == 1:  # as the thread of Tantivy's first reader does
            folder.mkdir()
            (folder / ".tantivy-meta.lock").touch()

    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)
    monkeypatch.setattr(shutil, "rmtree", emptied)
    assert len(FullText.open(tmp_path / "index")) == len(SONGS)
    assert len(folders) == 2
    assert not folders[0].exists()
