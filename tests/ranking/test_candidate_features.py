from __future__ import annotations

from time import perf_counter

import numpy as np

from ltrr_cli.core.types import Candidates
from ltrr_cli.ranking.candidate_features import assemble

NAN = np.nan


def table_of(lines: int = 3):
    ranks = np.array([[1, NAN], [2, 1], [NAN, NAN]], np.float32)[:lines]
    scores = np.array([[8, NAN], [4, -1], [NAN, NAN]], np.float32)[:lines]
    candidates = Candidates(("lexical", "dense"), np.arange(lines, dtype=np.int32), ranks, scores, np.ones(lines))
    evidence = [("lexical", (), np.empty((lines, 0), np.float32)),
                ("dense", ("cosine",), np.array([[0.1], [0.2], [0.3]], np.float32)[:lines])]  # fmt: skip
    popularity, age = np.array([3, NAN, 1], np.float32)[:lines], np.array([NAN, 2, 4], np.float32)[:lines]
    return assemble(candidates, evidence, popularity, age, np.array([0, 1, 0], np.int32)[:lines], {"b": 2.0, "a": 1.0})


def column(name: str) -> list[float]:
    schema, table = table_of()
    return np.round(table[:, schema.names.index(name)].astype(float), 4).tolist()


def test_every_column_has_one_name():
    schema, table = table_of()
    assert table.shape == (3, len(schema.names))
    assert table.dtype == np.float32
    assert len(set(schema.names)) == len(schema.names)
    assert schema.names[-2:] == ("query.a", "query.b")


def test_what_a_strategy_did_not_bring_is_missing_not_zero():
    assert str(column("lexical.rank")) == "[1.0, 2.0, nan]"
    assert str(column("dense.score")) == "[nan, -1.0, nan]"


def test_a_relative_score_is_over_the_best_of_the_request():
    assert str(column("lexical.relative")) == "[1.0, 0.5, nan]"
    assert str(column("dense.relative")) == "[nan, nan, nan]", "a best score below zero is no measure"


def test_the_rest_says_what_its_name_says():
    assert column("candidate.brought_by") == [1, 2, 0]
    assert column("dense.cosine") == [0.1, 0.2, 0.3]
    assert str(column("entity.popularity")) == "[1.3863, nan, 0.6931]"
    assert column("entity.popularity_share") == [1, 0, 0.3333]
    assert str(column("entity.age_days")) == "[nan, 2.0, 4.0]"
    assert column("entity.type") == [0, 1, 0]
    assert column("query.b") == [2, 2, 2]


def test_no_candidates_have_the_same_columns():
    (schema, table), (full, _) = table_of(0), table_of()
    assert table.shape == (0, len(full.names))
    assert schema.digest == full.digest


def test_any_other_name_or_order_is_another_schema():
    schema, _ = table_of()
    others = {type(schema)(schema.names[::-1]).digest, type(schema)((*schema.names[:-1], "query.c")).digest}
    assert len(others | {schema.digest}) == 3


def test_five_hundred_candidates_take_about_a_millisecond():
    chance = np.random.default_rng(0)
    names = tuple(f"s{number}" for number in range(10))
    block = chance.random((500, 10)).astype(np.float32)
    candidates = Candidates(names, np.arange(500, dtype=np.int32), block, block, np.ones(500))
    evidence = [(name, tuple("abcde"), block[:, :5]) for name in names]
    took = []
    for _ in range(20):
        start = perf_counter()
        assemble(candidates, evidence, block[:, 0], block[:, 1], np.zeros(500, np.int32), {"a": 1.0})
        took.append(perf_counter() - start)
    assert min(took) < 0.005, "a goal of 1 ms, with room for a busy machine"
