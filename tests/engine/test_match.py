from __future__ import annotations

import numpy as np
import pytest

from ltrr_cli.core.types import FloatArray
from ltrr_cli.engine.match import UNMATCHED, matching, told_apart
from ltrr_cli.ranking.model import Schema

NAMES = Schema(("query.tokens", "lexical.held", "lexical.words", "lexical.lacking", "lexical.bm25", "structured.match",
                "fuzzy.score", "dense.cosine", "memory.own_count"))  # fmt: skip


def table(*rows: dict[str, float], tokens: int = 3) -> FloatArray:
    made = np.zeros((len(rows), len(NAMES.names)), np.float32)
    for place, row in enumerate(rows):
        made[place] = [
            {"query.tokens": tokens, **row}.get(name, row.get(name.split(".")[1], 0.0)) for name in NAMES.names
        ]
    return made


@pytest.mark.parametrize(
    ("row", "matches"),
    [
        ({"held": 0.3}, True), ({"match": 0.4}, True), ({"score": 0.8}, True), ({"cosine": 0.7}, True),
        ({"own_count": 0.7}, True), ({}, False), ({"score": 0.5}, False), ({"cosine": 0.2}, False),
        ({"match": 0.001}, False),
    ],
)  # fmt: skip
def test_something_of_the_query_must_speak_for_a_match(row: dict[str, float], matches: bool):
    assert matching(NAMES, table(row)).tolist() == [matches]


def test_without_words_all_is_what_was_asked_for():
    assert matching(NAMES, table({}, {}, tokens=0)).all()


def test_a_generation_without_the_table_is_judged_by_full_text():
    features = table({"held": np.nan, "bm25": np.nan}, {"held": np.nan, "bm25": 2.0})
    assert matching(NAMES, features).tolist() == [False, True]
    np.testing.assert_allclose(told_apart(NAMES, features)[1], 1.0)


@pytest.mark.parametrize("lacks", [1.0, 0.5, 0.25, 2.0, 3.0])
def test_who_lacks_a_number_stands_below_who_has_it_and_as_much_else(lacks: float):
    kept = told_apart(NAMES, table({"held": 1, "words": 1}, {"held": 0.7, "words": 1, "lacking": lacks}))
    assert kept[0] == 1.0
    assert kept[1] == pytest.approx(np.exp(-3.0 * lacks), rel=1e-4)


def test_a_number_alone_is_little():
    """A drill of another size stays above a cable of the asked one."""
    drill, other_drill, cable = (
        {"held": 1, "words": 1},
        {"held": 0.6, "words": 1, "lacking": 1},
        {"held": 0.4, "words": 0.2},
    )
    kept = told_apart(NAMES, table(drill, other_drill, cable))
    assert kept[2] <= kept[1] < kept[0]


def test_where_nobody_has_the_number_with_the_words_nobody_is_pushed_down():
    iphone_12, cable_13 = {"held": 0.7, "words": 1.0, "lacking": 1}, {"held": 0.3, "words": 0.2}
    assert told_apart(NAMES, table(iphone_12, cable_13)).tolist() == [1.0, 1.0]


def test_what_matches_nothing_stands_below_what_matches_something():
    assert told_apart(NAMES, table({"held": 0.1, "words": 1}, {"words": 1})).tolist() == [1.0, pytest.approx(UNMATCHED)]
    assert told_apart(NAMES, table({"words": 1}, {"words": 1})).tolist() == [1.0, 1.0]
