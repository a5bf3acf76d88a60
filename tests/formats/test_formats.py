"""Workspaces of every format that was ever written open, answer and verify; newer ones say that they are newer."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest

import ltrr_cli
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.workspace.workspace import Workspace

SAFELY: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # older patches of 3.11
OLD = sorted(Path(__file__).parent.glob("format-*.tar.gz"))
UNRANKED = "format-1.tar"  # its ranker knows fewer features than searches have today


@pytest.fixture(params=OLD, ids=lambda path: path.stem)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, **SAFELY)
    return ltrr_cli.open(tmp_path / "home")


@pytest.fixture
def ranker(request: pytest.FixtureRequest) -> str:
    """What orders the pages of the workspace."""
    return "fusion" if request.node.callspec.params["workspace"].stem == UNRANKED else "linear"


def test_an_old_workspace_opens_whole(workspace: Workspace, ranker: str):
    damaged = workspace.verify().damaged
    assert [(one.path.endswith("ranker"), one.mend) for one in damaged] == (
        [(True, "ltrr train-ranker")] if ranker == "fusion" else []
    )
    status = workspace.status()
    assert (status.entities, status.events, status.memory_pairs, status.ranker) == (120, 200, 57, ranker)
    assert len(status.damaged) == len(damaged)


def test_an_old_workspace_answers_and_remembers(workspace: Workspace):
    assert workspace.query("slangworda please", k=1, explore=False).results[0].id == "song:003"
    assert workspace.query("love river 21", k=1, explore=False).results


@pytest.mark.turns(4)
def test_an_old_workspace_goes_on_learning(workspace: Workspace, tmp_path: Path, ranker: str):
    (tmp_path / "empty.jsonl").write_text("")
    digest = workspace.status().journal_digest
    workspace.ingest([tmp_path / "empty.jsonl"])
    assert workspace.status().journal_digest == digest
    assert workspace.status().ranker == ranker


def test_a_newer_pointer_says_so(workspace: Workspace):
    path = workspace.home / "CURRENT.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(DamagedError, match="newer"):
        ltrr_cli.open(workspace.home).query("x")


def test_a_newer_journal_says_so(workspace: Workspace):
    database = sqlite3.connect(workspace.home / "journal.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(DamagedError, match="newer"):
        ltrr_cli.open(workspace.home).status()
