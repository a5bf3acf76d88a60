"""A workspace that cannot be written to answers; what would write says so in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_log


@pytest.fixture
def read_only(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with some feedback that says of itself that nothing can be written: root may write everywhere."""
    workspace.ingest([write_log(tmp_path / "log.jsonl", searches(10))])
    page = workspace.query("love", user="u1")
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id})
    workspace.state.journal.close()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: not mode & os.W_OK and allowed(path, mode, **more))
    return Workspace(workspace.home)


def test_it_answers_and_says_that_it_does_not_log(read_only: Workspace):
    before = sorted(path for path in read_only.home.rglob("*"))
    page = read_only.query("love river", k=3, user="u0", hide_seen=True)
    assert len(page.results) == 3
    assert page.impression_id is None
    assert any("not logged" in warning for warning in page.warnings)
    assert read_only.query("love river", k=3, log=False).warnings == ()
    assert sorted(path for path in read_only.home.rglob("*")) == before


def test_it_can_be_looked_at(read_only: Workspace):
    status = read_only.status()
    assert (status.events, status.impressions) == (11, 11)
    assert read_only.verify().ok
    checks = {check.name: check for check in read_only.doctor().checks}
    assert all(check.ok for check in checks.values())
    assert "read-only" in checks["workspace"].says
    assert read_only.explain(next(read_only.state.journal.impressions()).impression_id).page is not None
    assert read_only.remembered("slangworda please").lines
