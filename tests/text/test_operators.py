from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltrr_cli.text.operators import taken_apart


@pytest.mark.parametrize(
    ("query", "text", "phrases", "excluded"),
    [
        ("hex bolt -zinc", "hex bolt", (), (("zinc",),)),
        ("-zinc bolt", "bolt", (), (("zinc",),)),
        ("film -sci-fi -horror", "film", (), (("sci", "fi"), ("horror",))),
        ('"stainless steel" bolt', "stainless steel bolt", (("stainless", "steel"),), ()),
        ("“stainless steel” bolt", "stainless steel bolt", (("stainless", "steel"),), ()),
        ("«acier inox» vis", "acier inox vis", (("acier", "inox"),), ()),
        ('bolt -"grade 5"', "bolt", (), (("grade", "5"),)),
        ('say "hello"', "say hello", (), ()),
        ("−zink schraube", "schraube", (), (("zink",),)),
    ],
)
def test_what_people_type_is_heeded(query: str, text: str, phrases: tuple[str, ...], excluded: tuple[str, ...]):
    found = taken_apart(query)
    assert (found.text, found.phrases, found.excluded) == (text, phrases, excluded)


@pytest.mark.parametrize(
    "query",
    ["5-pin cable", "x-men", '24" tv', '1/2" x 3" bolt', "a - b", "-5 degrees", "thermometer -20", '"', "--", "wi-fi",
     'he said "', "", "rock'n'roll", '"" empty', "- -"],
)  # fmt: skip
def test_what_is_no_operator_stays(query: str):
    found = taken_apart(query)
    assert (found.phrases, found.excluded) == ((), ())
    assert found.text.split() == query.split() or found.text == query


@given(st.text(alphabet='-"“”ab ', max_size=600))
def test_nothing_fails(query: str):
    found = taken_apart(query)
    assert len(found.phrases) <= 8
    assert len(found.excluded) <= 8
