from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.types import Entity, Request
from ltrr_cli.retrieval.related import Related
from ltrr_cli.retrieval.shared_values import SharedValues
from ltrr_cli.retrieval.strategy import Resources
from tests.conftest import HashedWords, ask
from tests.retrieval.people.acts import two_tastes

MUSIC = (
    Entity("a1", "Nina Stone", "artist", attributes={"genre": ("soul",)}),
    Entity("a2", "Otis Road", "artist", attributes={"genre": ("soul", "blues")}),
    Entity("a3", "Kraft Motor", "artist", attributes={"genre": ("electro",)}),
    *(Entity(f"a{number}", f"Singer {number}", "artist", attributes={"genre": ("soul",)}) for number in range(4, 9)),
    Entity("t1", "Feeling Fine", "track", attributes={"by": "Nina  STONE", "genre": ("soul",)}),
    Entity("t2", "Sinner Boy", "track", attributes={"by": "Nina Stone", "year": 1965.0}),
    Entity("t3", "Autobahn", "track", attributes={"by": "Kraft Motor", "genre": ("electro",)}),
    Entity("t4", "Alone", "track"),
)
ROW = {entity.id: row for row, entity in enumerate(MUSIC)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("related")


@pytest.fixture(scope="module")
def related(folder: Path) -> Related:
    (folder / "columns").mkdir()
    Columns.build(MUSIC, folder / "columns")
    resources = Resources(Columns.open(folder / "columns"), HashedWords())
    Related.build(resources, folder)
    return Related.open(resources, folder, None)


def from_(*ids: str, **more: object) -> Request:
    return replace(ask("x", **more), seeds=np.array([ROW[entity] for entity in ids], np.int32))


def brought(related: Related, request: Request) -> list[str]:
    return [MUSIC[row].id for row in related.look(request).hits(10).rows.tolist()]


def test_a_track_leads_to_its_artist_and_an_artist_to_the_tracks(related: Related):
    assert brought(related, from_("t2"))[:2] == ["a1", "t1"]
    assert set(brought(related, from_("a1"))[:2]) == {"t1", "t2"}
    assert brought(related, from_("a3")) == ["t3"]


def test_rare_values_tie_more_than_common_ones(related: Related):
    found = brought(related, from_("t1"))
    assert found.index("a1") < found.index("a2")


def test_the_first_seed_counts_most(related: Related):
    first, second = brought(related, from_("a3", "a1")), brought(related, from_("a1", "a3"))
    assert first[0] == "t3"
    assert second[0] == "t1"


def test_seeds_are_not_brought_again_and_nothing_comes_of_nothing(related: Related):
    assert not {"a1", "t1"} & set(brought(related, from_("a1", "t1")))
    assert not brought(related, from_("t4"))
    assert not len(related.look(ask("x")).hits(10).rows)
    assert np.isnan(related.look(ask("x")).evidence(np.arange(3, dtype=np.int32))).all()


def test_evidence_says_of_any_row_what_retrieval_goes_by(related: Related, folder: Path):
    ties = SharedValues.open(folder)
    values = ties.of(np.array([ROW["t1"]], np.int32), np.ones(1))
    rows, cosine = ties.bearers(*values)
    everything = ties.shared(*values, np.arange(len(MUSIC), dtype=np.int32))
    np.testing.assert_allclose(everything[rows], cosine, rtol=1e-6)
    assert not np.delete(everything, rows).any()
    assert everything[ROW["t1"]] == everything.max()
    assert everything.max() == pytest.approx(1.0)


def test_what_the_same_people_choose_goes_together(resources: Resources, tmp_path: Path):
    Related.build(resources, tmp_path)
    found = Related.open(resources, tmp_path, None)
    found.learn(two_tastes())
    rows = np.arange(60, dtype=np.int32)
    together = found.look(replace(ask("song"), seeds=np.array([0, 2], np.int32))).evidence(rows)[:, 1]
    assert together[rows % 2 == 0].mean() > together[rows % 2 == 1].mean() + 1.0


def test_a_catalog_that_shares_nothing_ties_nothing(tmp_path: Path):
    SharedValues.build([Entity("1", "One"), Entity("2", "Two")], tmp_path)
    ties = SharedValues.open(tmp_path)
    values = ties.of(np.array([0], np.int32), np.ones(1))
    assert not len(values[0])
    assert not len(ties.bearers(*values)[0])
    assert ties.shared(*values, np.array([0, 1], np.int32)).tolist() == [0.0, 0.0]
