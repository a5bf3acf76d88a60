"""What is forgotten leaves the journal and all that was learnt from it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import UsageError
from ltrr_cli.storage.journal import Journal
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_catalog, write_log

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    workspace = ltrr_cli.open(folder / "home")
    workspace.index([write_catalog(folder / "catalog.jsonl")])
    workspace.ingest([write_log(folder / "honest.jsonl", searches(80))])
    return folder / "home"


def robots(path: Path, user: str, count: int) -> Path:
    lines = [
        {"event": "click", "event_id": f"{user}-{n}", "timestamp": 1_700_000_000_000 + n * 1000, "query": "love river",
         "entity_id": "s003", "user_id": user}
        for n in range(count)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def opened(home: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(home, tmp_path / "home")
    return ltrr_cli.open(tmp_path / "home")


def digests(workspace: Workspace) -> tuple[str, str | None]:
    return workspace.state.journal.digest(), learned_digest(workspace.state, workspace.state.current())


@pytest.mark.parametrize("by", ["user", "source"])
def test_forgetting_a_robot_restores_the_honest_digests(by: str, honest: Path, tmp_path: Path):
    workspace = opened(honest, tmp_path)
    before = digests(workspace)
    workspace.ingest([robots(tmp_path / "robot.jsonl", "robot", 300)])
    assert digests(workspace) != before
    report = workspace.forget(user="robot") if by == "user" else workspace.forget(source="robot.jsonl")
    assert report.events == 300
    assert digests(workspace) == before
    assert report.learned == workspace.state.current().learned


def test_what_is_forgotten_is_no_longer_in_the_file(honest: Path, tmp_path: Path):
    workspace = opened(honest, tmp_path)
    workspace.ingest([robots(tmp_path / "robot.jsonl", "unmistakable-name", 50)])
    workspace.forget(user="unmistakable-name")
    workspace.state.journal.close()
    sqlite3.connect(tmp_path / "home" / "journal.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"unmistakable-name" not in (tmp_path / "home" / "journal.db").read_bytes()


def test_a_span_of_time_is_forgotten_up_to_its_end(honest: Path, tmp_path: Path):
    workspace = opened(honest, tmp_path)
    times = sorted(event.time_ms or 0 for event, _ in workspace.state.journal.stream())
    first, last = times[10], times[40]
    kept = sum(not first <= moment < last for moment in times)
    workspace.forget(between=(first, last))
    assert workspace.status().events == kept


def test_conditions_are_met_together(honest: Path, tmp_path: Path):
    workspace = opened(honest, tmp_path)
    workspace.ingest([robots(tmp_path / "robot.jsonl", "robot", 10)])
    assert workspace.forget(user="robot", source="honest.jsonl").events == 0
    assert workspace.forget(user="robot", source="robot.jsonl").events == 10


def test_nothing_said_is_a_usage_error_and_nobody_known_changes_nothing(honest: Path, tmp_path: Path):
    workspace = opened(honest, tmp_path)
    before = workspace.state.current()
    with pytest.raises(UsageError):
        workspace.forget()
    with pytest.raises(UsageError):
        workspace.forget(between=(5, 5))
    assert workspace.forget(user="nobody").learned is None
    assert workspace.forget(source="nothing.jsonl").events == 0
    assert workspace.state.current() == before


def test_an_older_journal_is_brought_up(tmp_path: Path):
    path = tmp_path / "journal.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    for table in ("impressions", "events"):
        database.execute(f"ALTER TABLE {table} DROP COLUMN source")
    database.execute("DROP TABLE sources")
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()
    journal = Journal(path)
    assert journal.ingest([], [], source="log.jsonl").accepted == 0
    assert journal.check() == []
