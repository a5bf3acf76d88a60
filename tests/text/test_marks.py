from __future__ import annotations

import pytest

from ltrr_cli.text.analyse import Analyzer
from ltrr_cli.text.marks import Marks, marks_of_number, parts_of, wants_of
from ltrr_cli.text.normalise import tokens

STEM = Analyzer("en").stem


def surely(query: str, text: str, **numbers: float) -> float:
    """Return how surely a text has the number, code or sign of a query; the least where there are several."""
    words = tokens(text)
    held = {*map(STEM, words), *Marks(STEM).of(words)}
    for name, number in numbers.items():
        held |= set(marks_of_number(number, [STEM(word) for word in tokens(name.replace("_", " "))]))
    wants = [want for want in wants_of(tokens(query), STEM, {}) if want.strict]
    return min(max((want.answers[term] for term in held & set(want.answers)), default=0.0) for want in wants)


@pytest.mark.parametrize(
    ("query", "right", "wrong"),
    [
        ("5 pin cable", "5-pin DIN cable 3m", "3-pin cable 5m"),
        ("5mm drill", "Drill 5 mm", "Drill 3 mm, pack of 5"),
        ("5 mm drill", "Drill 5mm", "Drill 50mm"),
        ("iphone 13 case", "Case for iPhone 13, black", "Case for iPhone 12, 13 colours"),
        ("size 38", "Shoe size 38", "Shoe size 40, 38 grams"),
        ("m5799", "Filter WF-M5799DWF", "Filter WF-M5798DWF"),
        ("5799", "Filter WF-M5799DWF", "Filter WF-M57"),
        ("rtx3080ti", "Card RTX-3080Ti", "Card RTX 3080"),
        ("rtx 3080", "Card RTX 3080 10GB", "Card RTX 3070"),
        ("galaxys21", "Galaxy S21", "Galaxy S20"),
        ("80x30", "Shelf 80 x 30 cm", "Shelf 80 x 60 cm"),
        ("1.5 l", "Bottle 1,5 l", "Bottle 15 l"),
        ("1/2 bolt", 'Bolt 1/2"', 'Bolt 1-1/2"'),
        ("c++", "C++ in depth", "C in depth"),
        ("$100 card", "Gift card $100", "Gift card 50"),
        ("rnb", "R&B hits", "Rock hits"),
        ("usb 3", "USB 3.0 hub", "USB 2.0 hub"),
        ("100% wool", "Roller 100% wool", "Roller 50% wool"),
    ],
)
def test_the_right_one_has_what_was_asked_more_surely(query: str, right: str, wrong: str):
    if query == "rnb":
        held = set(Marks(STEM).of(tokens(right)))
        assert "~rnb" in held
        return
    assert surely(query, right) > surely(query, wrong)


@pytest.mark.parametrize(
    ("query", "field", "number"),
    [("5 pin cable", "pins", 5.0), ("8 kg dumbbell", "weight_kg", 8.0), ("27 inch monitor", "inch", 27.0),
     ("4 port switch", "ports", 4.0), ("500 piece puzzle", "pieces", 500.0)],
)  # fmt: skip
def test_an_attribute_counts_what_its_name_says(query: str, field: str, number: float):
    assert surely(query, "thing", **{field: number}) == 1.0
    assert surely(query, "thing", price=number) < 1.0


@pytest.mark.parametrize(
    ("word", "part"),
    [("m5799dwf", "5799"), ("m5799dwf", "m5799"), ("5mm", "5"), ("80x30", "30"), ("$100", "100"), ("2.0", "2"),
     ("notepad++", "notepad"), ("b07xj8c8f5", "b07")],
)  # fmt: skip
def test_words_are_found_by_their_parts(word: str, part: str):
    assert part in parts_of(word)


@pytest.mark.parametrize("word", ["cable", "c++", "1.5", "x" * 40 + "1", "", "東京", "a+"])
def test_some_words_have_no_parts(word: str):
    assert parts_of(word) == ()
