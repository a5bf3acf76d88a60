"""What every retrieval strategy promises; registering one is what tests it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.clock import DAY
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Outcome
from ltrr_cli.retrieval.counts import sorted_table
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy
from ltrr_cli.retrieval.strategy_registry import names, strategy
from ltrr_cli.storage import segments
from ltrr_cli.storage.manifest import hash_file
from tests.conftest import DAY_0, SONGS, ask

SEEDS = np.array([3, 40, 17], np.int32)  # best hits of a first wave
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
    hits = found.look(ask(query)).hits(10)
    assert len(hits.rows) == len(hits.scores) <= 10
    assert len(set(hits.rows.tolist())) == len(hits.rows)
    assert np.all(np.diff(hits.scores) <= 0)
    assert np.all((hits.rows >= 0) & (hits.rows < len(SONGS)))
    assert np.isfinite(hits.scores).all()
    assert hits.rows.dtype == np.int32
    assert hits.scores.dtype == np.float32


@pytest.mark.parametrize("query", QUERIES)
def test_a_longer_list_begins_with_the_shorter(found: Strategy, query: str):
    shorter, longer = found.look(ask(query)).hits(7), found.look(ask(query)).hits(60)
    assert longer.rows[: len(shorter.rows)].tolist() == shorter.rows.tolist()
    assert longer.scores[: len(shorter.rows)].tolist() == shorter.scores.tolist()


@pytest.mark.parametrize("query", QUERIES)
def test_the_same_request_gives_the_same_hits(found: Strategy, query: str):
    first, second = found.look(ask(query, seed=5)).hits(30), found.look(ask(query, seed=5)).hits(30)
    assert first.rows.tolist() == second.rows.tolist()
    assert first.scores.tolist() == second.scores.tolist()


def test_many_requests_at_once_are_answered_as_one_by_one(found: Strategy, songs: Columns):
    allowed = np.arange(len(songs)) % 2 == 0
    for requests in ([ask(query) for query in QUERIES], [ask(query, allowed=allowed) for query in QUERIES], []):
        for request, look in zip(requests, found.look_many(requests), strict=True):
            hits, one = look.hits(15), found.look(request).hits(15)
            np.testing.assert_array_equal(hits.rows, one.rows)
            np.testing.assert_array_equal(hits.scores, one.scores)


@pytest.mark.parametrize("query", QUERIES)
def test_brings_allowed_rows_only_and_as_many_as_exist(found: Strategy, query: str):
    allowed = np.zeros(len(SONGS), np.bool_)
    allowed[::9] = True
    everything = found.look(ask(query)).hits(len(SONGS)).rows
    narrow = found.look(ask(query, allowed=allowed)).hits(len(SONGS)).rows
    assert allowed[narrow].all()
    assert set(narrow.tolist()) >= {row for row in everything.tolist() if allowed[row]}
    assert len(found.look(ask(query, allowed=np.zeros(len(SONGS), np.bool_))).hits(10).rows) == 0


@pytest.mark.parametrize("query", QUERIES)
def test_describes_any_row_whether_brought_or_not(found: Strategy, query: str):
    rows = np.array([0, 5, 119], np.int32)
    table = found.look(ask(query)).evidence(rows)
    assert table.shape == (3, len(found.evidence_names))
    assert table.dtype == np.float32
    assert not np.isinf(table).any()
    assert found.look(ask(query)).evidence(np.empty(0, np.int32)).shape == (0, len(found.evidence_names))


def test_signals_are_finite_and_named_beforehand(found: Strategy):
    named = [found.look(ask(query)).signals() for query in QUERIES]
    assert all(np.isfinite(list(signals.values())).all() for signals in named)
    assert {tuple(signals) for signals in named} == {found.signal_names}


def said(look: Look) -> tuple[object, ...]:
    """All that a look has to say, for comparison."""
    hits, table = look.hits(30), look.evidence(np.arange(0, len(SONGS), 7, dtype=np.int32))
    return hits.rows.tolist(), hits.scores.tolist(), table.tobytes(), dict(look.signals())


def test_many_looks_at_once_are_the_looks_of_one_at_a_time(found: Strategy):
    requests = [ask(query, seed=seed, seeds=SEEDS) for seed, query in enumerate(QUERIES)]
    together = found.look_many(requests)
    assert [said(look) for look in together] == [said(found.look(request)) for request in requests]
    assert not found.look_many([])


def test_what_is_asked_first_of_a_look_changes_nothing(found: Strategy):
    rows = np.arange(0, len(SONGS), 7, dtype=np.int32)
    for query in QUERIES:
        first, last = found.look(ask(query, seeds=SEEDS)), found.look(ask(query, seeds=SEEDS))
        before = first.evidence(rows)
        assert first.hits(30).rows.tolist() == last.hits(30).rows.tolist()
        assert first.hits(60).rows[:5].tolist() == last.hits(5).rows.tolist()  # deeper, then less deep
        np.testing.assert_array_equal(before, last.evidence(rows))


def test_a_look_does_not_depend_on_what_others_ask_meanwhile(found: Strategy):
    requests = [ask(query, seed=seed, seeds=SEEDS) for seed, query in enumerate(QUERIES * 5)]
    alone = [said(found.look(request)) for request in requests]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda request: said(found.look(request)), requests)) == alone


def test_what_was_learnt_survives_the_disk(found: Strategy, resources: Resources, tmp_path: Path):
    catalog, learned = built(found.name, resources, tmp_path), tmp_path / "learned"
    learned.mkdir()
    found.save(learned)
    again = type(found).open(resources, catalog, learned)
    for query in QUERIES:
        before, after = found.look(ask(query)).hits(40), again.look(ask(query)).hits(40)
        assert before.rows.tolist() == after.rows.tolist()
        np.testing.assert_array_equal(before.scores, after.scores)
        rows = np.arange(20, dtype=np.int32)
        np.testing.assert_array_equal(found.look(ask(query)).evidence(rows), again.look(ask(query)).evidence(rows))


def lived(count: int) -> list[Outcome]:
    """What many people did: again and again, wanted and unwanted, with and without a query, a page, a name."""
    chance = generator("lived", count)
    queries = ("love", "calm", "rain night", "lvoe", "", "love river", "gold road 12", "Love!")
    people, rewards = (None, "ann", "bob", "cat", "dan"), (1.0, 1.0, 1.0, 0.5, -0.3)
    times = np.sort(chance.integers(0, 90 * DAY, count)) + DAY_0
    found = []
    for number in range(count):
        query, row, user, session, reward = (int(chance.integers(0, high)) for high in (8, len(SONGS), 5, 9, 5))
        page = tuple(SONGS[(row + step) % len(SONGS)].id for step in range(session))
        found.append(
            Outcome(f"e{number}", int(times[number]), queries[query], SONGS[row].id, rewards[reward], user=people[user],
                    session=f"s{session}" if session else None, weight=1.0 / (1 + session % 3), page=page,
                    value=float(row) if session == 2 else None)
        )  # fmt: skip
    return found


def in_parts(kind: type[Strategy], resources: Resources, folder: Path, outcomes: list[Outcome], cuts: list[int]):
    """Learn outcomes in parts, each by what was read from the disk; return what the last part wrote."""
    catalog = built(kind.name, resources, folder)
    learned: Path | None = None
    for number, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(outcomes)], strict=True)):
        opened = kind.open(resources, catalog, learned)
        opened.learn(outcomes[start:stop])
        learned = folder / f"learned-{number}"
        learned.mkdir()
        opened.save(learned)
    return learned, kind.open(resources, catalog, learned)


@pytest.mark.turns(4)
@pytest.mark.parametrize("seed", range(4))
def test_going_on_from_the_disk_is_the_same_to_the_last_bit_as_never_having_stopped(
    found: Strategy, resources: Resources, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(segments, "LEAST", 40)  # so that bases are linked, and written anew
    monkeypatch.setattr(sorted_table, "TAIL", 16)
    kind, past = type(found), lived(700)
    cuts = sorted(generator("cuts", seed).choice(700, 5, replace=False).tolist())
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole, at_once = in_parts(kind, resources, tmp_path / "whole", past, [])
    parts, bit_by_bit = in_parts(kind, resources, tmp_path / "parts", past, cuts)
    assert held(parts) == held(whole)
    for query in QUERIES:
        late = ask(query, time_ms=DAY_0 + 95 * DAY)
        assert said(bit_by_bit.look(late)) == said(at_once.look(late))


def held(folder: Path) -> dict[str, str]:
    """Return what a folder holds, however it is spread over files."""
    files = {p.relative_to(folder).as_posix(): hash_file(p) for p in folder.rglob("*") if p.is_file()}
    return segments.contents(folder, files)
