"""Learned sparse retrieval: what goes with a word in the catalog, and what people chose for it, finds who lacks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Entity, Outcome
from ltrr_cli.retrieval.sparse.postings import Postings
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import DAY_0, HashedWords, ask

# mellow goes with lofi and rain; harsh with drone; 'n' bears what goes with mellow but not mellow itself
BANDS = (
    *(Entity(f"a{n}", f"Band A{n}", attributes={"tags": ("mellow", "lofi", "rain")}) for n in range(6)),
    *(Entity(f"b{n}", f"Band B{n}", attributes={"tags": ("harsh", "drone")}) for n in range(6)),
    *(Entity(f"c{n}", f"Band C{n}", attributes={"tags": (f"own {n}",)}) for n in range(20)),
    Entity("n", "Band N", attributes={"tags": ("lofi", "rain")}),
)


def opened(entities: Sequence[Entity], home: Path, learned: Path | None = None) -> Sparse:
    if not (home / "columns").exists():
        for name in ("columns", "sparse"):
            (home / name).mkdir()
        Columns.build(sorted(entities, key=lambda entity: entity.id), home / "columns")
        Sparse.build(Resources(Columns.open(home / "columns"), HashedWords()), home / "sparse")
    return Sparse.open(Resources(Columns.open(home / "columns"), HashedWords()), home / "sparse", learned)


def ids_of(strategy: Sparse, home: Path, query: str, limit: int = 10) -> list[str]:
    columns = Columns.open(home / "columns")
    return [columns.ids[row] for row in strategy.look(ask(query)).hits(limit).rows.tolist()]


def chose(query: str, entity: str, number: int = 0) -> Outcome:
    return Outcome(f"{query}-{entity}-{number}", DAY_0 + number, query, entity, 1.0, user=f"u{number}")


def test_an_entity_without_the_word_is_found_by_what_goes_with_it(tmp_path: Path):
    found = ids_of(opened(BANDS, tmp_path), tmp_path, "mellow")
    assert set(found[:6]) == {f"a{n}" for n in range(6)}
    assert found[6:] == ["n"]


def test_a_word_that_no_entity_bears_is_learnt_from_what_was_chosen(tmp_path: Path):
    sparse = opened(BANDS, tmp_path)
    assert ids_of(sparse, tmp_path, "bedtime") == []
    sparse.learn([chose("bedtime", "a1", 1), chose("bedtime", "a2", 2)])
    found = ids_of(sparse, tmp_path, "bedtime", 40)
    assert set(found[:6]) == {f"a{n}" for n in range(6)}
    assert "n" in found[:7]
    assert not any(entity.startswith("b") for entity in found[:7])


def test_words_of_a_query_carry_over_to_another_query(tmp_path: Path):
    sparse = opened(BANDS, tmp_path)
    sparse.learn([chose("bedtime music", f"b{n}", n) for n in range(3)])
    assert ids_of(sparse, tmp_path, "gentle bedtime")[0].startswith("b")


def test_what_was_passed_over_teaches_nothing(tmp_path: Path):
    sparse = opened(BANDS, tmp_path)
    sparse.learn([Outcome("e", DAY_0, "bedtime", "a1", -1.0), Outcome("f", DAY_0, "bedtime", "gone", 1.0)])
    assert ids_of(sparse, tmp_path, "bedtime") == []


def test_the_order_of_events_within_the_fold_does_not_move_a_translation(tmp_path: Path):
    events = [chose("bedtime", f"a{n}", n) for n in range(4)] + [chose("bedtime", "b1", 9)]
    one, other = opened(BANDS, tmp_path), opened(BANDS, tmp_path)
    one.learn(events)
    for event in events[::-1]:
        other.learn([event])
    mine, theirs = (sparse.look(ask("bedtime")).hits(40) for sparse in (one, other))
    assert mine.rows.tolist() == theirs.rows.tolist()
    np.testing.assert_array_equal(mine.scores, theirs.scores)


def test_a_translation_that_was_asked_for_before_a_click_is_made_anew(tmp_path: Path):
    sparse = opened(BANDS, tmp_path)
    sparse.learn([chose("bedtime", "a1")])
    before = ids_of(sparse, tmp_path, "bedtime", 1)
    sparse.learn([chose("bedtime", f"b{n}", n) for n in range(6)])
    assert before[0].startswith("a")
    assert ids_of(sparse, tmp_path, "bedtime", 1)[0].startswith("b")


def test_the_better_known_of_equals_comes_first(tmp_path: Path):
    famous = [Entity(f"p{n}", "Same", attributes={"tags": ("mellow",)}, popularity=float(n)) for n in range(9)]
    assert ids_of(opened([*famous, *BANDS[6:12]], tmp_path), tmp_path, "mellow", 3) == ["p8", "p7", "p6"]


def test_scores_are_the_dot_product_with_every_entity():
    dice = np.random.default_rng(3)
    matrix = (dice.random((40, 12)) * (dice.random((40, 12)) < 0.3)).astype(np.float16)
    terms = [np.flatnonzero(row).tolist() for row in matrix]
    made = Postings.of(Postings.arrays(terms, [row[row != 0].tolist() for row in matrix], 12))
    query = np.array([7, 2, 11], np.int32)
    weights = np.array([0.5, 2.0, 1.0], np.float32)
    scores = made.scores(query, weights).at(np.arange(40, dtype=np.int32))
    np.testing.assert_allclose(scores, matrix[:, query].astype(np.float32) @ weights, rtol=1e-5)
    rows, share = np.array([3, 30], np.int32), np.array([1.0, 2.0], np.float32)
    np.testing.assert_allclose(made.summed(rows, share), share @ matrix[rows].astype(np.float32), rtol=1e-5)


def test_a_common_term_does_not_make_a_query_slow_beyond_bounds(monkeypatch: pytest.MonkeyPatch):
    made = Postings.of(Postings.arrays([[0, 1]] * 50 + [[1]] * 50, [[1.0, 1.0]] * 50 + [[1.0]] * 50, 2))
    monkeypatch.setattr("ltrr_cli.retrieval.sparse.postings.MOST_ADDED", 60)
    found = made.scores(np.array([0, 1], np.int32), np.array([2.0, 1.0], np.float32))
    assert found.at(np.array([0, 99], np.int32)).tolist() == [2.0, 0.0]
