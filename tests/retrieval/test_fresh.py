"""Fresh: what is new and was rarely shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Outcome
from ltrr_cli.retrieval.fresh import Fresh
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.retrieval.structured import Structured
from tests.conftest import DAY_0, SONGS, HashedWords, ask
from tests.retrieval.conftest import ask_for

DAY = 86_400_000
NEWEST = {f"song:{number:03d}" for number in range(20)}  # song n is n days old


@pytest.fixture
def fresh(resources: Resources, generation: Path) -> Fresh:
    return Fresh.open(resources, generation / "fresh", None)


def brought(fresh: Fresh, seeds: range, limit: int = 5, **more: object) -> Counter[str]:
    rows = (fresh.look(ask("", seed=seed, **more)).hits(limit).rows.tolist() for seed in seeds)
    return Counter(SONGS[row].id for found in rows for row in found)


def seen(entities: list[str], times: int) -> list[Outcome]:
    return [Outcome(f"e{n}", DAY_0 - 1_000 + n, "", entities[0], 1.0, page=tuple(entities)) for n in range(times)]


def test_the_newest_are_drawn_most_and_in_turns(fresh: Fresh):
    found = brought(fresh, range(200))
    new = sum(count for entity, count in found.items() if entity in NEWEST)
    assert new > 0.4 * found.total()  # a sixth of the catalog
    assert set(found) >= NEWEST
    old = sum(count for entity, count in found.items() if int(entity[5:]) >= 80)
    assert old < 0.1 * found.total()


def test_what_is_not_there_yet_is_not_brought(fresh: Fresh):
    found = brought(fresh, range(50), time_ms=DAY_0 - 10 * DAY)
    assert min(int(entity[5:]) for entity in found) == 10


def test_what_was_shown_makes_room_for_what_was_not(fresh: Fresh):
    shown = [f"song:{number:03d}" for number in range(5)]
    before = brought(fresh, range(300))
    fresh.learn(seen(shown, 30))
    after = brought(fresh, range(300))
    assert sum(after[entity] for entity in shown) < 0.2 * sum(before[entity] for entity in shown)
    assert sum(after[f"song:{number:03d}"] for number in range(5, 10)) > 0


def test_the_ranker_hears_how_often_a_row_was_shown(fresh: Fresh):
    fresh.learn(seen(["song:003", "song:004"], 3))
    rows = np.array([3, 4, 5], np.int32)
    assert [SONGS[row].id for row in rows] == ["song:003", "song:004", "song:005"]
    said = fresh.look(ask("")).evidence(rows)[:, 0]
    assert said[0] == said[1] == pytest.approx(np.log1p(3.0), abs=0.01)
    assert said[2] == 0.0


def test_what_robots_saw_counts_as_little_as_they_do(fresh: Fresh):
    fresh.learn([replace(outcome, weight=0.0) for outcome in seen(["song:003"], 3)])
    assert fresh.look(ask("")).evidence(np.array([3], np.int32))[0, 0] == 0.0


def test_most_of_it_is_of_the_kind_that_was_asked_for(fresh: Fresh):
    rows = [row for seed in range(50) for row in fresh.look(ask_for("mood", "calm", seed=seed)).hits(5).rows.tolist()]
    calm = sum("calm" in SONGS[row].attributes["mood"] for row in rows)
    assert calm > 0.8 * len(rows)


def test_without_moments_of_creation_what_was_rarely_shown_is_left(tmp_path: Path):
    timeless = [replace(song, created_ms=None) for song in SONGS]
    Columns.build(timeless, tmp_path)
    resources = Resources(Columns.open(tmp_path), HashedWords())
    (tmp_path / "structured").mkdir()
    Structured.build(resources, tmp_path / "structured")
    fresh = Fresh.open(resources, tmp_path / "fresh", None)
    assert len(brought(fresh, range(200))) > 110  # all alike
    fresh.learn(seen([song.id for song in SONGS[:100]], 20))
    found = brought(fresh, range(100))
    assert sum(found[song.id] for song in SONGS[100:]) > 0.7 * found.total()
