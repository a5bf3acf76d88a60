"""What would be taken in without complaint and still teach nonsense is found before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.workspace.workspace import Workspace

CLICK = {"event": "click", "timestamp": "2024-05-01", "entity_id": "song:001", "query": "love", "user_id": "u"}


def log(path: Path, *lines: dict) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_clean_log_is_clean(workspace: Workspace, tmp_path: Path):
    report = workspace.validate([log(tmp_path / "log", CLICK)])
    assert (report.ok, report.findings, report.with_catalog) == (True, (), True)


def test_findings_name_their_log_and_only_errors_fail(workspace: Workspace, tmp_path: Path):
    unknown = log(tmp_path / "unknown", {**CLICK, "entity_id": "song:none"})
    undated = log(tmp_path / "undated", {**CLICK, "timestamp": None})
    warned = workspace.validate([unknown])
    assert warned.ok
    assert [(one.source, one.check, one.severity, one.count) for one in warned.findings] == [
        (str(unknown), "entities", "warning", 1)
    ]
    both = workspace.validate([unknown, undated])
    assert not both.ok
    assert [(one.source, one.check) for one in both.findings] == [(str(unknown), "entities"), (str(undated), "lines")]


def test_it_needs_no_workspace_and_makes_none(tmp_path: Path):
    report = Workspace(tmp_path / "none").validate([log(tmp_path / "log", {**CLICK, "entity_id": "song:none"})])
    assert (report.ok, report.findings, report.with_catalog) == (True, (), False)
    assert not (tmp_path / "none").exists()


def test_nothing_to_check_is_a_mistake(workspace: Workspace):
    with pytest.raises(UsageError, match="no log"):
        workspace.validate([])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"user_id,entity_id,event\nu1,song:001,click\n", "CSV"),
        (b'[{"event": "click"}]\n', "a JSON array"),
        (b'{\n "event": "click"\n}\n', "JSON over several lines"),
    ],
)
def test_a_log_of_another_kind_is_named_and_ingest_says_the_same(workspace: Workspace, tmp_path: Path, data, what):
    log = tmp_path / "log"
    log.write_bytes(data)
    for command in (workspace.validate, workspace.ingest):
        with pytest.raises(DataError, match=f"this is {what}"):
            command([log])
