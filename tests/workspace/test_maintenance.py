"""Back to an older generation, all learnt anew, old files away, a look at everything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches

Log = Callable[[list[dict]], Path]


@pytest.mark.turns(4)
def test_rolled_back_it_answers_as_before_and_goes_on_from_there(workspace: Workspace, log: Log):
    before = workspace.query("slangworda please", k=1, log=False, explore=False, seed=1).results[0].id
    workspace.ingest([log(searches(200))])
    taught = workspace.query("slangworda please", k=1, log=False, explore=False, seed=1).results[0].id
    assert taught == "song:003" != before
    report = workspace.rollback()
    assert (report.was_learned - report.learned, report.catalog) == (1, report.was_catalog)
    assert workspace.query("slangworda please", k=1, log=False, explore=False, seed=1).results[0].id == before
    assert workspace.status().events == 200  # the journal forgets nothing
    workspace.rebuild()
    assert workspace.query("slangworda please", k=1, log=False, explore=False, seed=1).results[0].id == taught


def test_a_rollback_takes_the_catalog_along(workspace: Workspace, tmp_path: Path):
    first = workspace.state.current()
    (tmp_path / "other.jsonl").write_text('{"id": "only", "title": "Only One"}')
    workspace.index([tmp_path / "other.jsonl"])
    assert workspace.status().entities == 1
    workspace.rollback(to=first.learned)
    assert workspace.status().entities == 120


def test_there_is_no_way_back_from_the_first_and_none_to_what_is_gone(workspace: Workspace):
    with pytest.raises(NotFoundError, match="no older generation"):
        workspace.rollback()
    with pytest.raises(NotFoundError, match="learned generation 77"):
        workspace.rollback(to=77)


@pytest.mark.turns(4)
def test_a_rebuild_comes_to_the_same_digest(workspace: Workspace, log: Log):
    workspace.ingest([log(searches(200))])
    first = workspace.rebuild()
    second = workspace.rebuild()
    assert first.same
    assert second.same
    assert first.digest == second.digest
    assert first.events == 200


def test_a_sweep_keeps_the_ways_back_that_were_asked_for(workspace: Workspace):
    for _ in range(4):
        workspace.rebuild()
    current = workspace.state.current()
    report = workspace.gc(keep=1)
    assert {path.name for path in (workspace.home / "learned").iterdir()} == {
        f"{current.learned:04d}", f"{current.learned - 1:04d}"
    }  # fmt: skip
    assert report.freed > 0
    assert workspace.rollback().learned == current.learned - 1
    assert workspace.verify().ok


def test_a_doctor_finds_nothing_wrong_with_the_well_and_names_what_ails_the_sick(workspace: Workspace, tmp_path: Path):
    assert workspace.doctor().ok
    [path] = (workspace.home / "catalog").glob("*/columns/ids.blob.npy")
    path.write_bytes(b"broken")
    report = Workspace(workspace.home).doctor()
    assert not report.ok
    wrong = {check.name: check for check in report.checks if not check.ok}
    assert set(wrong) == {"generations", "answers"}
    assert "ids.blob.npy" in wrong["generations"].says
    assert wrong["generations"].hint == "ltrr index CATALOG"
    nowhere = Workspace(tmp_path / "nowhere").doctor()
    assert [check.name for check in nowhere.checks if not check.ok] == ["workspace"]
    shutil.rmtree(workspace.home)
