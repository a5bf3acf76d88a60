"""Whoever answers, the answers are equal line by line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import Entity
from ltrr_cli.engine import opened_elsewhere
from ltrr_cli.engine.executor import PoolExecutor
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS
from tests.indexing.engines import Disorder

POLICIES = ("hazard", "uniform", "fixed(lexical=40,memory=60)")


@pytest.fixture
def fed(fed_songs: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(fed_songs, tmp_path / "home")
    return ltrr_cli.open(tmp_path / "home")


@pytest.fixture(params=[1, 3, 7])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine whose workers answer in an order by chance."""
    real = opened_elsewhere.open_executor

    def opened(name: str) -> object:
        return PoolExecutor(name, Disorder(request.param)) if name == "disorder" else real(name)

    monkeypatch.setattr(opened_elsewhere, "open_executor", opened)
    return "disorder"


def questions(path: Path, entities: tuple[Entity, ...] = SONGS, count: int = 120) -> Path:
    lines = [
        {"query_id": f"q{number}", "text": entities[number % len(entities)].title, "user_id": f"u{number % 7}"}
        for number in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def judgments(path: Path, workspace: Workspace, count: int = 40) -> Path:
    ids = workspace.state.snapshot().catalog.ids
    path.write_text("".join(f"q{number} 0 {ids[number * 2]} 1\n" for number in range(count)))
    return path


@pytest.mark.turns(18)
@pytest.mark.parametrize("options", [{}, {"hide_seen": True}, {"policy": "uniform", "ranker": "fusion"}])
def test_a_file_of_queries_has_the_same_run(fed: Workspace, workers: str, options: dict, tmp_path: Path):
    asked = questions(tmp_path / "queries.jsonl")
    here = fed.query_batch(asked, tmp_path / "here.trec", k=20, **options)
    there = fed.query_batch(asked, tmp_path / "there.trec", k=20, engine=workers, **options)
    assert (tmp_path / "here.trec").read_text() == (tmp_path / "there.trec").read_text()
    assert (here.queries, here.results, here.empty) == (there.queries, there.results, there.empty)
    assert here.queries == 120


@pytest.mark.turns(18)
def test_an_evaluation_says_the_same(fed: Workspace, workers: str, tmp_path: Path):
    asked = questions(tmp_path / "queries.jsonl", count=40)
    qrels = judgments(tmp_path / "qrels.tsv", fed)
    here, _ = fed.evaluate(asked, qrels, policies=POLICIES)
    there, _ = fed.evaluate(asked, qrels, policies=POLICIES, engine=workers)
    assert {**here.as_json(), "seconds": 0} == {**there.as_json(), "seconds": 0}


@pytest.mark.turns(18)
def test_a_simulation_finds_the_same(workspace: Workspace, workers: str):
    given = {"searches": 60, "seeds": 3, "break_strategy": "lexical"}
    here, there = workspace.simulate(**given), workspace.simulate(**given, engine=workers)
    assert _apart_from_times(here.as_json()) == _apart_from_times(there.as_json())


def _apart_from_times(document: dict) -> dict:
    policies = {
        name: {key: value for key, value in one.items() if not key.endswith("_ms")}
        for name, one in document["policies"].items()
    }
    return {**document, "policies": policies, "seconds": 0}


@pytest.mark.turns(6)
def test_processes_answer_the_same_run(fed: Workspace, tmp_path: Path):
    asked = questions(tmp_path / "queries.jsonl")
    fed.query_batch(asked, tmp_path / "here.trec")
    fed.query_batch(asked, tmp_path / "there.trec", engine="processes=2")
    assert (tmp_path / "here.trec").read_text() == (tmp_path / "there.trec").read_text()


def test_what_is_learnt_here_and_not_published_is_answered_here(workspace: Workspace, tmp_path: Path):
    asked = questions(tmp_path / "queries.jsonl", count=3)
    page = workspace.query("river", live=True)
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id})
    with opened_elsewhere.open_answering(workspace.state, "processes=2") as executor:
        assert not executor.elsewhere
    workspace.query_batch(asked, tmp_path / "run.trec", engine="processes=2")


def test_an_unknown_engine_is_refused_before_anything_is_answered(workspace: Workspace, tmp_path: Path):
    with pytest.raises(UsageError, match="no engine 'spark'"):
        workspace.query_batch(questions(tmp_path / "queries.jsonl"), tmp_path / "run.trec", engine="spark")
    assert not (tmp_path / "run.trec").exists()
