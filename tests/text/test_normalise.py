from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.normalise import plain, query_key, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C++17, C# and F#.", ["c++", "17", "c#", "and", "f#"]),
        ("notepad++ (c++)", ["notepad++", "c++"]),
        ("Disney+ 18+", ["disney+", "18+"]),
        (".NET vs. ASP.NET, the .hack series", [".net", "vs", "asp", "net", "the", ".hack", "series"]),
        ("R&B, R & B; AT&T and H&M", ["r&b", "r&b", "at&t", "and", "h&m"]),
        ("Simon & Garfunkel, rock&roll", ["simon", "garfunkel", "rock", "roll"]),
        ("$100 for 20 € or 50 %", ["$100", "for", "€20", "or", "50%"]),
        ("Florence + the Machine, +44", ["florence", "the", "machine", "44"]),
        ('1/2" x 3/8", 1-1/2 and 1½', ["1/2", "x", "3/8", "1-1/2", "and", "1-1/2"]),
        ("1,5 l or 1.5 l, 10,000 mAh", ["1.5", "l", "or", "1.5", "l", "10000", "mah"]),
        ("80x30, 80 x 30 cm and 80×30×5", ["80x30", "80x30", "cm", "and", "80x30x5"]),
        ("USB 3.0 v2.1", ["usb", "3.0", "v2.1"]),
        ("WF-M5799DWF, AC/DC, 24/7", ["wf", "m5799dwf", "ac", "dc", "24/7"]),
        ("iPhone X 64 and 5 x blue", ["iphone", "x", "64", "and", "5", "x", "blue"]),
        ("It ends. Here.", ["it", "ends", "here"]),
    ],
)  # fmt: skip
def test_signs_and_numbers_that_tell_words_apart_stay(text: str, words: list[str]):
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [("c++", "c"), ("c#", "c++"), ("a+ school", "a school"), ("1.5 l", "15 l"), ("r&b", "r"), (".net", "net"),
     ("$100", "100"), ("1/2 inch", "12 inch")],
)  # fmt: skip
def test_the_memory_keeps_them_apart(one: str, other: str):
    assert query_key(one) != query_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("80 x 30", "80×30"), ("1,5 l", "1.5l"), ("R & B", "r&b"), ("20 €", "€20"), ("½ inch", "1/2 inch"), ("$ 5", "$5")],
)
def test_ways_of_writing_one_thing_are_one(one: str, other: str):
    assert query_key(one) == query_key(other)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_words_of_letters_and_digits_are_what_they_were(text: str):
    letters = "".join(letter if letter.isalpha() or letter in "0123456789 " else " " for letter in text)
    letters = letters.replace("x", "y").replace("X", "Y")
    assert tokens(letters) == tokens(plain(letters))


@pytest.mark.parametrize("text", ["c++ 1.5 80x30", "$20 r&b 1-1/2", "50% .net", "80 x 30 × 2", "10,000 €5"])
def test_words_written_with_spaces_are_the_same_words(text: str):
    assert tokens(" ".join(tokens(text))) == tokens(text)


def test_old_catalogs_are_asked_with_plain_words():
    assert tokens(plain("C++ for $20, 1.5 l of R&B")) == ["c", "for", "20", "1", "5", "l", "of", "r", "b"]
