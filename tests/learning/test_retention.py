"""What is too old by the data's own clock leaves the journal and what is learnt, whatever order it came in."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from ltrr_cli.core.clock import DAY, now_ms
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0
from tests.learning.test_ingest import digests
from tests.small_workspace import searches, write_log

OLD, NEW = searches(30), searches(20, DAY_0 + 40 * DAY)


def fed(home: Path, folder: Path, logs: Sequence[list[dict]], keep_days: float) -> Workspace:
    workspace = Workspace(shutil.copytree(home, folder), feedback__keep_days=keep_days)
    for number, log in enumerate(logs):
        workspace.ingest([write_log(folder / f"{number}.jsonl", log)])
    return workspace


@pytest.mark.turns(4)
def test_what_is_older_than_it_may_be_is_as_if_it_had_never_come(indexed: Path, tmp_path: Path):
    wanted = digests(fed(indexed, tmp_path / "new", [NEW], 0.0))
    kept = fed(indexed, tmp_path / "kept", [OLD, NEW], 30.0)
    assert digests(kept) == wanted
    assert kept.state.journal.counts().impressions == len(NEW)
    assert digests(fed(indexed, tmp_path / "late", [NEW, OLD], 30.0)) == wanted


@pytest.mark.turns(4)
def test_all_is_kept_for_ever_unless_the_settings_say_otherwise(indexed: Path, tmp_path: Path):
    both = fed(indexed, tmp_path / "both", [OLD, NEW], 0.0)
    assert both.status().events == len(OLD) + len(NEW)
    assert digests(fed(indexed, tmp_path / "long", [OLD, NEW], 60.0)) == digests(both)


def test_a_clock_that_is_ahead_drops_nothing_of_today(indexed: Path, tmp_path: Path):
    today = now_ms()
    wrong = [{"event": "click", "timestamp": today + 4_000 * DAY, "entity_id": "song:001", "query": "love"}]
    workspace = fed(indexed, tmp_path / "ahead", [searches(5, today - DAY), wrong], 30.0)
    assert workspace.status().events == 6


def test_what_has_no_time_stays(indexed: Path, tmp_path: Path):
    workspace = fed(indexed, tmp_path / "undated", [NEW], 1.0)
    log = write_log(tmp_path / "log.jsonl", [{"event": "click", "entity_id": "song:001", "query": "love"}])
    workspace.ingest([log], undated=True)
    assert workspace.status().events == len(NEW) + 1
