"""Names, however they are typed."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.names import NameIndex
from ltrr_cli.text.normalise import query_key, tokens

TITLES = (
    "Xbox 360", "Taylor Swift", "Taylor Dayne", "Tyler, The Creator", "Joy Division", "AC/DC", "Love", "LOVE!",
    "Love Songs", "Beyoncé", "東京事変", "!!!", "Rocksmith", "Keurig - Van Houtte French Vanilla Coffee",
)  # fmt: skip


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> NameIndex:
    folder = tmp_path_factory.mktemp("names")
    NameIndex.build(folder, TITLES)
    return NameIndex.open(folder)


def best(names: NameIndex, text: str) -> str:
    rows, _ = names.similar(text, 1)
    return TITLES[rows[0]] if len(rows) else ""


def test_equal_names_share_a_number_and_their_rows_ascend(names: NameIndex):
    assert names.exact("love").tolist() == [6, 7]
    assert names.bearers(int(names.find(["love"])[0])) == 2


@pytest.mark.parametrize("typed", ["xbox360", "x box 360", "XBOX-360", "Ｘｂｏｘ ３６０"])
def test_spaces_case_and_punctuation_do_not_count(names: NameIndex, typed: str):
    assert names.exact(typed).tolist() == [0]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tayler swft", "Taylor Swift"), ("swift taylor", "Taylor Swift"), ("taylorswift", "Taylor Swift"),
        ("tay lor swift", "Taylor Swift"), ("oy division", "Joy Division"), ("joy divisions", "Joy Division"),
        ("acdv", "AC/DC"), ("beyonse", "Beyoncé"), ("rocksmiht", "Rocksmith"), ("東京事", "東京事変"),
        ("keurig french vanila", "Keurig - Van Houtte French Vanilla Coffee"),
    ],
)  # fmt: skip
def test_a_slip_finds_what_was_meant(names: NameIndex, typed: str, meant: str):
    assert best(names, typed) == meant


def test_only_the_name_itself_is_wholly_alike(names: NameIndex):
    assert names.similar("love", 9)[1].tolist()[:3] == pytest.approx([1.0, 1.0, names.similar("love", 9)[1][2]])
    assert names.similar("lovr", 9)[1].max() < 1.0
    assert (names.similar("love", 9)[1][2:] < 1.0).all()


def test_prefixes_come_in_order_of_names(names: NameIndex):
    assert names.prefix("taylor", 9).tolist() == [2, 1]
    assert names.prefix("lo", 9).tolist() == [6, 7, 8]
    assert names.prefix("lo", 2).tolist() == [6, 7]
    assert names.prefix("zz", 9).size == 0


@pytest.mark.parametrize("nothing", ["", "!!!", "\U0001f3b8", "\ud800"])
def test_what_has_no_letter_or_digit_is_no_name(names: NameIndex, nothing: str):
    assert names.exact(nothing).size == names.prefix(nothing, 9).size == names.similar(nothing, 9)[0].size == 0


@given(text=st.text(max_size=40), limit=st.integers(0, 12))
def test_whatever_is_typed_the_answer_is_distinct_sorted_and_begins_like_a_longer_one(text: str, limit: int):
    rows, likeness = INDEX.similar(text, limit)
    assert len(rows) <= limit
    assert len(set(rows.tolist())) == len(rows)
    assert ((likeness >= 0) & (likeness <= 1)).all()
    assert (np.diff(likeness) <= 0).all()
    assert INDEX.similar(text, limit + 5)[0].tolist()[:limit] == rows.tolist()


def test_an_endless_text_is_cut(names: NameIndex):
    assert names.similar("love " * 20_000, 3)[0].size <= 3


def test_highest_takes_the_best_bearer(names: NameIndex):
    highest = names.highest(np.arange(len(TITLES), dtype=np.float32))
    assert highest[names.find(["love"])[0]] == 7


def test_an_index_of_nothing_answers(tmp_path: Path):
    NameIndex.build(tmp_path, ["", "..."])
    empty = NameIndex.open(tmp_path)
    assert len(empty) == 0
    assert empty.similar("love", 3)[0].size == empty.exact("love").size == empty.prefix("l", 3).size == 0


def test_two_builds_write_the_same_bytes(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        NameIndex.build(tmp_path / name, TITLES)
    assert (tmp_path / "one" / "names.bin").read_bytes() == (tmp_path / "two" / "names.bin").read_bytes()


def variant(title: str, chance: random.Random) -> str:
    """Type a title with one slip: a typo, no spaces, one too many, a plural, another order."""
    words = tokens(title)
    longest = max(range(len(words)), key=lambda place: len(words[place]))
    word = words[longest]
    place = chance.randrange(len(word))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    match chance.choice(["drop", "add", "change", "swap", "glue", "split", "plural", "order"]):
        case "drop":
            words[longest] = word[:place] + word[place + 1 :]
        case "add":
            words[longest] = word[:place] + letter + word[place:]
        case "change":
            words[longest] = word[:place] + letter + word[place + 1 :]
        case "swap":
            words[longest] = word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :]
        case "glue":
            return "".join(words)
        case "split":
            words[longest] = word[: len(word) // 2] + " " + word[len(word) // 2 :]
        case "plural":
            words[-1] = words[-1][:-1] if words[-1].endswith("s") and len(words[-1]) > 2 else words[-1] + "s"
        case "order":
            chance.shuffle(words)
    return " ".join(words)


@pytest.mark.parametrize("collection", ["hetrec", "charts_tracks"])
def test_typed_variants_of_real_names_find_them(data: Path, tmp_path: Path, collection: str):
    path = data / collection / "catalog.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"real data absent: {path}")
    with gzip.open(path) as lines:
        titles = [json.loads(line)["title"] for line in lines]
    NameIndex.build(tmp_path, titles)
    names, chance = NameIndex.open(tmp_path), random.Random(11)
    asked = chance.sample([title for title in titles if len(query_key(title)) >= 3], 200)
    found = [
        any(query_key(titles[row]) == query_key(title) for row in names.similar(variant(title, chance), 10)[0])
        for title in asked
    ]
    assert np.mean(found) >= 0.95


INDEX = None  # replaced below: hypothesis runs many examples on one index


@pytest.fixture(autouse=True, scope="module")
def _index(names: NameIndex) -> None:
    global INDEX  # noqa: PLW0603
    INDEX = names
