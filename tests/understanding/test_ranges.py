from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ltrr_cli.text.normalise import tokens
from ltrr_cli.understanding.ranges import Numbers

DAY = 86_400_000


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    folder = tmp_path_factory.mktemp("numbers")
    counted = {
        "year": Counter({float(year): 3 for year in range(1950, 2024)}),
        "price": Counter({float(price): 2 for price in range(1, 300)}),
        "weight_kg": Counter({float(weight): 1 for weight in range(1, 40)}),
    }
    Numbers.build(folder, counted, (0, 0, 0))
    return Numbers.open(folder)


@pytest.mark.parametrize(
    ("query", "field", "bounds"),
    [
        ("90s music", "year", "1990..1999"),
        ("the 1980s", "year", "1980..1989"),
        ("80's pop", "year", "1980..1989"),
        ("70er filme", "year", "1970..1979"),
        ("sixties soul", "year", "1960..1969"),
        ("2010s", "year", "2010..2019"),
        ("films from 2010", "year", "2010.."),
        ("since 2005", "year", "2005.."),
        ("after 2005", "year", "2006.."),
        ("before 1990", "year", "..1989"),
        ("between 1990 and 1995", "year", "1990..1995"),
        ("1990-1995", "year", "1990..1995"),
        ("2015 or newer", "year", "2015.."),
        ("seit 2001", "year", "2001.."),
        ("tent under $50", "price", "..50"),
        ("cheaper than 20", "price", "..20"),
        ("up to 30 €", "price", "..30"),
        ("price between 10 and 20", "price", "10..20"),
        ("at least 100", "price", "100.."),
        ("unter 15", "price", "..15"),
        ("over 5 kg", "weight_kg", "5.."),
        ("dumbbell 10 kg or less", "weight_kg", "..10"),
        ("weight from 5 to 8", "weight_kg", "5..8"),
    ],
)
def test_bounds_are_read_as_people_type_them(numbers: Numbers, query: str, field: str, bounds: str):
    found = numbers.ranges(tokens(query))
    assert [(one.field, one.value) for one in found] == [(field, bounds)]
    assert 0.5 <= found[0].odds < 1.0


@pytest.mark.parametrize(
    "query",
    ["5 pin cable", "1999", "apollo 13", "toy story 2", "under pressure", "before sunrise", "", "from", "m5799"],
)
def test_other_numbers_and_words_are_no_bounds(numbers: Numbers, query: str):
    assert numbers.ranges(tokens(query)) == ()


def test_under_is_less_and_up_to_includes(numbers: Numbers):
    assert numbers.ranges(["under", "20"])[0].high < 20.0 == numbers.ranges(["up", "to", "20"])[0].high


def test_bounds_beyond_all_numbers_are_none(numbers: Numbers):
    assert numbers.ranges(["before", "1900"]) == ()
    assert numbers.ranges(["over", "$1000"]) == ()


def test_without_a_year_the_date_of_creation_counts(tmp_path: Path):
    Numbers.build(tmp_path, {}, (9, 0, 20_000 * DAY))
    (found,) = Numbers.open(tmp_path).ranges(["90s"])
    assert (found.field, found.low, found.high) == ("created_at", 631152000000.0, 946684800000.0)


def test_an_older_generation_knows_no_numbers(tmp_path: Path):
    assert Numbers.open(tmp_path).ranges(["under", "20"]) == ()
