from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.core.types import Context, Hits, Request
from ltrr_cli.engine.retrieve import SEEDS, seeds, waves
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.retrieval.strategy import Ranked, Strategy


class Second(Strategy):
    """Keeps what it is asked with."""

    name: ClassVar[str] = "second"
    second_wave: ClassVar[bool] = True

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def look(self, request: Request) -> Ranked:
        self.asked.append(request)
        rows = np.empty(0, np.int32) if request.seeds is None else request.seeds
        return Ranked(rows, -np.arange(len(rows), dtype=np.float32))


@pytest.fixture
def snapshot(indexed: Path) -> Snapshot:
    workspace = ltrr_cli.open(indexed)
    found = workspace.state.open_snapshot(workspace.state.current())
    found.strategies["second"] = Second()
    return found


def asked(snapshot: Snapshot, query: str, context: Context | None = None) -> Request:
    return snapshot.request(query, context or Context(snapshot.clock_ms), 0)


def run(snapshot: Snapshot, request: Request, names: Sequence[str], ran: tuple[str, ...] | None = None) -> list[Hits]:
    return waves(snapshot, request, tuple(names), 50, ran)[1]


def test_the_second_wave_starts_from_the_best_hits_of_the_first(snapshot: Snapshot):
    hits = run(snapshot, asked(snapshot, "love"), ("second", "lexical", "fuzzy"))
    given = snapshot.strategies["second"].asked[-1].seeds
    assert given is not None
    assert 0 < len(given) <= SEEDS
    assert set(given.tolist()) <= set(hits[1].rows.tolist()) | set(hits[2].rows.tolist())
    assert hits[0].rows.tolist() == given.tolist()


def test_without_a_query_there_are_no_best_hits(snapshot: Snapshot):
    run(snapshot, asked(snapshot, ""), ("second", "popular"))
    assert snapshot.strategies["second"].asked[-1].seeds is None


def test_more_like_one_starts_from_that_one_alone(snapshot: Snapshot):
    entity = snapshot.catalog.ids[7]
    request = asked(snapshot, "love", Context(snapshot.clock_ms, like=entity))
    assert seeds(snapshot, request, {}).tolist() == [7]


def test_only_strategies_that_run_make_seeds_and_who_does_not_run_has_nothing(snapshot: Snapshot):
    hits = run(snapshot, asked(snapshot, "love"), ("second", "lexical", "fuzzy"), ("second", "lexical"))
    assert not len(hits[2].rows)
    assert set(snapshot.strategies["second"].asked[-1].seeds.tolist()) <= set(hits[1].rows.tolist())
    assert not len(run(snapshot, asked(snapshot, "love"), ("second", "lexical"), ("lexical",))[0].rows)


def test_an_answer_tells_its_seeds_and_hits_used_again_bring_them(snapshot: Snapshot):
    found = answer(snapshot, "love", Context(snapshot.clock_ms), k=5, budget=50, explore=False)
    again = answer(snapshot, "love", Context(snapshot.clock_ms), k=5, budget=50, explore=False, retrieved=found)
    assert found.request.seeds is not None
    assert again.request.seeds.tolist() == found.request.seeds.tolist()
    np.testing.assert_array_equal(again.features, found.features)
