"""Daily counts in a workspace: kept once, learnt as the same actions one by one would be, and let go of."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.core.counted import CountRow
from ltrr_cli.learning import checkpoint
from ltrr_cli.storage.journal import Journal
from ltrr_cli.workspace.workspace import Workspace

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace

DAYS = 40
CATALOG = [{"id": f"e{n}", "title": f"thing number {n}"} for n in range(30)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(one) + "\n" for one in CATALOG))
    home = ltrr_cli.open(tmp_path / "home")
    home.index([catalog])
    return home


def actions() -> list[tuple[int, str, str, int]]:
    """(day, query, entity, person), each once."""
    chance = np.random.default_rng(3)
    found = {
        (int(day), f"query {query}", f"e{(query * 3 + entity) % 30}", int(user))
        for day, query, entity, user in zip(
            chance.integers(0, DAYS, 3_000), chance.integers(0, 12, 3_000), chance.integers(0, 4, 3_000),
            chance.integers(0, 60, 3_000), strict=True,
        )
    }  # fmt: skip
    return sorted(found)


def date(day: int) -> str:
    return str(np.datetime64("2024-01-01") + day)


def counted(folder: Path, name: str = "counts.csv", days: range = range(DAYS), more: int = 0) -> Path:
    rows: dict[tuple[int, str, str], set[int]] = {}
    for day, query, entity, user in actions():
        rows.setdefault((day, query, entity), set()).add(user)
    lines = [
        f"{date(day)},{query},{entity},click,{len(users) + more},{len(users)}\n"
        for (day, query, entity), users in rows.items()
        if day in days
    ]
    path = folder / name
    path.write_text("day,query,entity,type,actions,users\n" + "".join(lines))
    return path


def single(folder: Path) -> Path:
    path = folder / "clicks.jsonl"
    lines = [
        {"event": "click", "timestamp": f"{date(day)}T12:00:00Z", "query": query, "entity_id": entity, "user_id": user}
        for day, query, entity, user in actions()
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_counts_teach_what_the_same_actions_teach(workspace: Workspace, tmp_path: Path) -> None:
    other = ltrr_cli.open(tmp_path / "other")
    other.index([tmp_path / "catalog.jsonl"])
    workspace.ingest([counted(tmp_path)])
    other.ingest([single(tmp_path)])
    assert workspace.status().memory_pairs == other.status().memory_pairs > 40
    codes = [one.state.snapshot().strategies["memory"]._pairs for one in (workspace, other)]  # type: ignore[attr-defined]
    sums = [pairs.sums(12).sum() for pairs in codes]
    assert sums[0] == sums[1] == len(actions())


def test_the_same_rows_again_change_nothing(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.ingest([counted(tmp_path)])
    digest = workspace.status().journal_digest
    again = workspace.ingest([counted(tmp_path, "renamed.csv")])
    assert (first.accepted, first.counted) == (first.counted, again.duplicates)
    assert (again.accepted, again.replaced, workspace.status().journal_digest) == (0, 0, digest)


def test_a_row_with_other_numbers_replaces_what_was_known(workspace: Workspace, tmp_path: Path) -> None:
    workspace.ingest([counted(tmp_path, more=2)])
    report = workspace.ingest([counted(tmp_path)])
    assert (report.accepted, report.duplicates) == (0, 0)
    assert report.replaced > 0
    once = ltrr_cli.open(tmp_path / "once")
    once.index([tmp_path / "catalog.jsonl"])
    once.ingest([counted(tmp_path)])
    assert workspace.status().journal_digest == once.status().journal_digest


def test_in_whatever_parts_days_come_a_rebuild_gives_the_same(workspace: Workspace, tmp_path: Path) -> None:
    for days in (range(20, DAYS), range(10), range(10, 20)):
        workspace.ingest([counted(tmp_path, f"{days.start}.csv", days)])
    report = workspace.rebuild()
    assert report.same


def test_counts_stand_between_single_actions_in_time(workspace: Workspace, tmp_path: Path) -> None:
    workspace.ingest([single(tmp_path)])
    workspace.ingest([counted(tmp_path, days=range(20, 30))])
    workspace.ingest([counted(tmp_path, "rest.csv")])
    assert workspace.rebuild().same


def test_later_days_go_on_from_where_learning_stood(workspace: Workspace, tmp_path: Path) -> None:
    workspace.ingest([counted(tmp_path, days=range(30))])
    state = workspace.state
    current = checkpoint.read(state.generations.folder("learned", state.current().learned))
    assert current is not None
    assert current.position is not None
    with_more = state.journal
    with_more.ingest_counts([CountRow(19_723 + 35, "query 1", "e1", "click", 1, 1)])
    assert not with_more.reaches_back(current.marks, current.position)
    with_more.ingest_counts([CountRow(19_723 + 3, "query 1", "e1", "click", 90, 90)])
    assert with_more.reaches_back(current.marks, current.position)


def test_counts_are_forgotten_by_source_and_whole_days_never_by_user(workspace: Workspace, tmp_path: Path) -> None:
    workspace.ingest([single(tmp_path)])
    before = workspace.status()
    workspace.ingest([counted(tmp_path)])
    assert workspace.forget(user="1").counts == 0
    workspace.ingest([single(tmp_path)])
    gone = workspace.forget(source="counts.csv")
    assert gone.counts > 0
    assert workspace.status().journal_digest == before.journal_digest
    workspace.ingest([counted(tmp_path)])
    part = workspace.forget(between=(1_704_067_200_001, 1_704_067_200_000 + 3 * 86_400_000))  # the first day in part
    days = workspace.state.journal.counted_days()
    assert part.counts > 0
    assert days[:2] == [19_723, 19_726]


def test_a_trial_run_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    digest = workspace.status().journal_digest
    report = workspace.ingest([counted(tmp_path)], dry_run=True)
    assert report.counted > 0
    assert workspace.status().journal_digest == digest
    assert workspace.ingest([counted(tmp_path)]).counted == report.counted


def test_a_journal_of_an_older_format_takes_counts_in(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    for table in ("counts", "count_days", "count_texts", "count_kinds"):
        database.execute(f"DROP TABLE {table}")
    database.execute("PRAGMA user_version = 5")
    database.commit()
    database.close()
    journal = Journal(path)
    assert journal.ingest_counts([CountRow(1, "q", "e", "click", 1)]).accepted == 1
    assert journal.counted_days() == [1]
