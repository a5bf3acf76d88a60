"""A cross-encoder may read the first twenty: off by default, named where it fails, with odds that stay exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.backends.encoder_cross import import_cross
from ltrr_cli.workspace.workspace import Workspace
from tests.backends import tiny
from tests.small_workspace import write_catalog


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, and a cross-encoder in the cache that loves the word "rain"."""
    monkeypatch.setenv("LTRR_CACHE", str(tmp_path / "cache"))
    import_cross(tiny.cross_folder(tmp_path / "source", {"rain": 9.0, "shoes": 0.5}), tmp_path / "cache", "tiny")
    Workspace(tmp_path / "home").index([write_catalog(tmp_path / "catalog.jsonl")])
    return tmp_path / "home"


@pytest.mark.turns(4)
def test_it_moves_the_first_twenty_and_nothing_below(home: Path):
    plain = Workspace(home).query("love", k=60, seed=1, log=False)
    read = Workspace(home, ranking__cross="tiny").query("love", k=60, seed=1, log=False)
    assert "rerank" not in plain.took_ms
    assert read.took_ms["rerank"] > 0
    before, after = ([line.id for line in page.results] for page in (plain, read))
    assert sorted(before[:20]) == sorted(after[:20])
    assert before[20:] == after[20:]
    assert before != after
    assert [line.score for line in plain.results] == [line.score for line in read.results]

    def rainy(page: list[str]) -> int:
        titles = {line.id: line.title for line in plain.results}
        return sum(rank for rank, entity in enumerate(page[:20]) if "rain" in titles[entity].lower())

    assert rainy(after) < rainy(before)
    assert all(line.odds is not None and 0 < line.odds <= 1 for line in read.results)


@pytest.mark.turns(4)
def test_one_that_is_not_there_is_named_and_the_page_stands(home: Path):
    plain = Workspace(home).query("love", seed=1, log=False)
    workspace = Workspace(home, ranking__cross="nobody")
    page = workspace.query("love", seed=1, log=False)
    assert [line.id for line in page.results] == [line.id for line in plain.results]
    for named in (page.warnings, workspace.status().damaged):
        assert any("cross-encoder not used" in line and "nobody" in line for line in named)


@pytest.mark.turns(4)
def test_one_that_fails_while_it_reads_is_named_once_and_the_page_stands(home: Path, tmp_path: Path):
    plain = Workspace(home).query("love", seed=1, log=False)
    workspace = Workspace(home, ranking__cross="tiny")
    workspace.state.snapshot()
    for path in (tmp_path / "cache").rglob("model.onnx"):
        path.write_bytes(b"no graph")
    for _ in range(2):
        page = workspace.query("love", seed=1, log=False)
        assert [line.id for line in page.results] == [line.id for line in plain.results]
        assert len([line for line in page.warnings if "cross-encoder not used" in line]) == 1


def test_a_damaged_one_is_named(home: Path, tmp_path: Path):
    for path in (tmp_path / "cache").rglob("model.onnx"):
        path.write_bytes(path.read_bytes()[:40])
    page = Workspace(home, ranking__cross="tiny").query("love", log=False)
    assert page.results
    assert any("cross-encoder not used" in line for line in page.warnings)
