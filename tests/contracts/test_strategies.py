"""What every retrieval strategy promises; registering one is what tests it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Outcome
from ltrr_cli.retrieval.strategy import Resources, Strategy
from ltrr_cli.retrieval.strategy_registry import names, strategy
from tests.conftest import DAY_0, SONGS, ask

QUERIES = ("love", "rain night 12", "calm", "", "zzzz", "Löve", "(((", "river river river")


@pytest.fixture(scope="module", params=names())
def found(request: pytest.FixtureRequest, resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Strategy:
    folder = built(request.param, resources, tmp_path_factory.mktemp("generation"))
    opened = strategy(request.param).open(resources, folder, None)
    opened.learn(outcomes())
    return opened


def built(name: str, resources: Resources, home: Path) -> Path:
    """Build one strategy, and those whose tables others share."""
    for each in {"lexical", "structured", "related", name}:
        (home / each).mkdir()
        strategy(each).build(resources, home / each)
    return home / name


def outcomes() -> list[Outcome]:
    wanted = [("love", 3), ("love", 3), ("love", 10), ("calm", 6), ("rain night", 12), ("", 20)]
    return [
        Outcome(f"e{n}", DAY_0 - 1_000 + n, query, SONGS[row].id, 1.0, user=f"u{n}")
        for n, (query, row) in enumerate(wanted)
    ]


@pytest.mark.parametrize("query", QUERIES)
def test_brings_at_most_the_limit_best_first_and_distinct(found: Strategy, query: str):
    hits = found.retrieve(ask(query), 10)
    assert len(hits.rows) == len(hits.scores) <= 10
    assert len(set(hits.rows.tolist())) == len(hits.rows)
    assert np.all(np.diff(hits.scores) <= 0)
    assert np.all((hits.rows >= 0) & (hits.rows < len(SONGS)))
    assert np.isfinite(hits.scores).all()
    assert hits.rows.dtype == np.int32
    assert hits.scores.dtype == np.float32


@pytest.mark.parametrize("query", QUERIES)
def test_a_longer_list_begins_with_the_shorter(found: Strategy, query: str):
    shorter, longer = found.retrieve(ask(query), 7), found.retrieve(ask(query), 60)
    assert longer.rows[: len(shorter.rows)].tolist() == shorter.rows.tolist()
    assert longer.scores[: len(shorter.rows)].tolist() == shorter.scores.tolist()


@pytest.mark.parametrize("query", QUERIES)
def test_the_same_request_gives_the_same_hits(found: Strategy, query: str):
    first, second = found.retrieve(ask(query, seed=5), 30), found.retrieve(ask(query, seed=5), 30)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.scores.tolist() == second.scores.tolist()


def test_many_requests_at_once_are_answered_as_one_by_one(found: Strategy, songs: Columns):
    allowed = np.arange(len(songs)) % 2 == 0
    for requests in ([ask(query) for query in QUERIES], [ask(query, allowed=allowed) for query in QUERIES], []):
        for request, hits in zip(requests, found.retrieve_many(requests, 15), strict=True):
            one = found.retrieve(request, 15)
            np.testing.assert_array_equal(hits.rows, one.rows)
            np.testing.assert_array_equal(hits.scores, one.scores)


@pytest.mark.parametrize("query", QUERIES)
def test_brings_allowed_rows_only_and_as_many_as_exist(found: Strategy, query: str):
    allowed = np.zeros(len(SONGS), np.bool_)
    allowed[::9] = True
    everything = found.retrieve(ask(query), len(SONGS)).rows
    narrow = found.retrieve(ask(query, allowed=allowed), len(SONGS)).rows
    assert allowed[narrow].all()
    assert set(narrow.tolist()) >= {row for row in everything.tolist() if allowed[row]}
    assert len(found.retrieve(ask(query, allowed=np.zeros(len(SONGS), np.bool_)), 10).rows) == 0


@pytest.mark.parametrize("query", QUERIES)
def test_describes_any_row_whether_brought_or_not(found: Strategy, query: str):
    rows = np.array([0, 5, 119], np.int32)
    table = found.evidence(ask(query), rows)
    assert table.shape == (3, len(found.evidence_names))
    assert table.dtype == np.float32
    assert not np.isinf(table).any()
    assert found.evidence(ask(query), np.empty(0, np.int32)).shape == (0, len(found.evidence_names))


def test_signals_are_finite_and_their_names_never_vary(found: Strategy):
    named = [found.signals(ask(query)) for query in QUERIES]
    assert all(np.isfinite(list(signals.values())).all() for signals in named)
    assert {tuple(sorted(signals)) for signals in named} == {tuple(sorted(named[0]))}


def test_what_was_learnt_survives_the_disk(found: Strategy, resources: Resources, tmp_path: Path):
    catalog, learned = built(found.name, resources, tmp_path), tmp_path / "learned"
    learned.mkdir()
    found.save(learned)
    again = type(found).open(resources, catalog, learned)
    for query in QUERIES:
        before, after = found.retrieve(ask(query), 40), again.retrieve(ask(query), 40)
        assert before.rows.tolist() == after.rows.tolist()
        np.testing.assert_array_equal(before.scores, after.scores)
        rows = np.arange(20, dtype=np.int32)
        np.testing.assert_array_equal(found.evidence(ask(query), rows), again.evidence(ask(query), rows))


def test_learning_goes_on_after_the_disk_as_without_it(found: Strategy, resources: Resources, tmp_path: Path):
    kind, events = type(found), outcomes()
    folders = [built(kind.name, resources, tmp_path), tmp_path / "learned"]
    folders[1].mkdir()
    whole, half = kind.open(resources, folders[0], None), kind.open(resources, folders[0], None)
    whole.learn(events)
    half.learn(events[:3])
    half.save(folders[1])
    rest = kind.open(resources, folders[0], folders[1])
    rest.learn(events[3:])
    for query in QUERIES:
        assert rest.retrieve(ask(query), 40).rows.tolist() == whole.retrieve(ask(query), 40).rows.tolist()
        np.testing.assert_array_equal(rest.retrieve(ask(query), 40).scores, whole.retrieve(ask(query), 40).scores)
