"""What people chose that has left the catalog still tells by its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.clock import HOUR
from ltrr_cli.core.types import Entity, Outcome
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.retrieval.sparse.sparse import Sparse
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import DAY_0, HashedWords, ask

BANDS = sorted(
    (
        *(Entity(f"a{n}", f"Band A{n}", attributes={"tags": ("mellow", "lofi")}) for n in range(6)),
        *(Entity(f"b{n}", f"Band B{n}", attributes={"tags": ("harsh", "drone")}) for n in range(6)),
        *(Entity(f"c{n}", f"Band C{n}", attributes={"tags": (f"own {n}",)}) for n in range(20)),
    ),
    key=lambda entity: entity.id,
)
GONE = {"gone": {"lofi": 1.0, "rain": 1.0}, "lost": {"drone": 1.0, "harsh": 1.0}}
COUNTS = "near_count"


def opened(home: Path, gone: dict[str, dict[str, float]] = GONE, learned: Path | None = None) -> Memory:
    """Open a memory beside the strategy that knows the words of what is gone."""
    if not (home / "columns").exists():
        for name in ("columns", "sparse", "memory"):
            (home / name).mkdir()
        Columns.build(BANDS, home / "columns")
        resources = Resources(Columns.open(home / "columns"), HashedWords(), departed=gone)
        Sparse.build(resources, home / "sparse")
        Memory.build(resources, home / "memory")
    resources = Resources(Columns.open(home / "columns"), HashedWords())
    memory = Memory.open(resources, home / "memory", learned)
    memory.join({"sparse": Sparse.open(resources, home / "sparse", None), "memory": memory})
    return memory


def chose(query: str, entity: str, number: int = 0) -> Outcome:
    return Outcome(f"{query}-{entity}-{number}", DAY_0 + number, query, entity, 1.0, user=f"u{number}")


def found(memory: Memory, query: str, limit: int = 6) -> list[str]:
    hits = memory.look(ask(query, time_ms=DAY_0 + HOUR)).hits(limit)
    return [BANDS[row].id for row in hits.rows.tolist()]


def counts(memory: Memory, query: str, rows: Sequence[int]) -> list[float]:
    table = memory.look(ask(query, time_ms=DAY_0 + HOUR)).evidence(np.array(rows, np.int32))
    return np.expm1(table[:, memory.evidence_names.index(COUNTS)]).tolist()


def test_what_is_like_the_departed_takes_over_what_was_chosen(tmp_path: Path):
    memory = opened(tmp_path)
    assert found(memory, "bedtime") == []
    memory.learn([chose("bedtime", "gone", n) for n in range(5)])
    assert set(found(memory, "bedtime")) == {f"a{n}" for n in range(6)}
    memory.learn([chose("noise", "lost")])
    assert set(found(memory, "noise")) == {f"b{n}" for n in range(6)}


def test_it_is_worth_a_share_of_what_was_chosen_however_many_take_it_over(tmp_path: Path):
    memory = opened(tmp_path)
    memory.learn([chose("bedtime", "gone", n) for n in range(5)])
    assert sum(counts(memory, "bedtime", range(len(BANDS)))) == pytest.approx(0.3 * 5, rel=1e-3)


def test_what_is_there_and_was_chosen_outweighs_it(tmp_path: Path):
    memory = opened(tmp_path)
    memory.learn([chose("bedtime", "gone", n) for n in range(20)])
    memory.learn([chose("bedtime", "c3", n) for n in range(20)])
    assert found(memory, "bedtime", 1) == ["c3"]


def test_a_query_that_is_written_alike_hears_of_it_too(tmp_path: Path):
    memory = opened(tmp_path)
    memory.learn([chose("bedtime music", "gone", n) for n in range(5)])
    assert set(found(memory, "bedtimemusc")) == {f"a{n}" for n in range(6)}


def test_a_word_that_was_used_for_what_is_gone_alone_says_nothing_of_what_is_there(tmp_path: Path):
    memory = opened(tmp_path)
    memory.learn([chose("bedtime", "gone"), chose("noise", "b1")])
    assert found(memory, "noise bedtime", 1) == ["b1"]


def test_what_spoke_against_the_departed_and_what_nobody_knows_teach_nothing(tmp_path: Path):
    memory = opened(tmp_path)
    memory.learn([Outcome("e", DAY_0, "bedtime", "gone", -1.0), chose("bedtime", "never heard of")])
    assert found(memory, "bedtime") == []


def test_a_departed_entity_whose_words_nothing_bears_tells_nothing(tmp_path: Path):
    memory = opened(tmp_path, {"gone": {"unheard": 1.0}})
    memory.learn([chose("bedtime", "gone")])
    assert found(memory, "bedtime") == []


def test_what_was_learnt_survives_and_does_not_depend_on_batches(tmp_path: Path):
    events = [chose("bedtime", "gone", 1), chose("noise", "b1", 2), chose("hum", "lost", 3), chose("bedtime", "a1", 4)]
    one, other = opened(tmp_path), opened(tmp_path)
    one.learn(events)
    for event in events:
        other.learn([event])
    (tmp_path / "learned").mkdir()
    one.save(tmp_path / "learned")
    again = opened(tmp_path, learned=tmp_path / "learned")
    rows = range(len(BANDS))
    for query in ("bedtime", "hum", "noise"):
        request = ask(query, time_ms=DAY_0 + HOUR)
        mine = [memory.look(request).evidence(np.array(rows, np.int32)) for memory in (one, other, again)]
        np.testing.assert_array_equal(mine[0], mine[1])
        np.testing.assert_array_equal(mine[0], mine[2])
        assert found(one, query)


def test_where_nothing_departed_nothing_is_kept(tmp_path: Path):
    memory = opened(tmp_path, {})
    memory.learn([chose("bedtime", "gone")])
    (tmp_path / "learned").mkdir()
    memory.save(tmp_path / "learned")
    assert not list((tmp_path / "learned").glob("departed*"))
    assert not list((tmp_path / "sparse").glob("departed*"))
