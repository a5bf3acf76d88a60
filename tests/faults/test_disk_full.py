"""No room: exit 7 naming path and bytes, the old generation answers, nothing is left behind, a retry works."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made, state
from tests.small_workspace import searches, write_log

LIMITS = (100, 4_000, 20_000, 60_000, 100_000)  # bytes that a file may have: each stops another writer


def at_most(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.turns(8)
@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("command", ["index", "ingest", "rebuild"])
def test_a_command_that_finds_no_room_says_so_and_changes_nothing(made: Made, tmp_path: Path, command: str, limit: int):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    log = write_log(tmp_path / "long.jsonl", searches(600)[100:])
    words = {"index": ["index", made.catalog], "ingest": ["ingest-feedback", log], "rebuild": ["rebuild"]}[command]
    before = state(Workspace(home))
    told = [sys.executable, "-m", "ltrr_cli", *map(str, words), "--home", str(home), "-q"]
    done = subprocess.run(told, capture_output=True, text=True, preexec_fn=at_most(limit), check=False)
    if done.returncode == 0:  # everything that this command writes is smaller than that
        assert limit > 50_000
        return
    assert done.returncode == 7, done.stderr
    assert str(home) in done.stderr
    assert "bytes free" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    left = Workspace(home)
    assert left.verify().ok
    after = state(left)
    assert after == before or (command == "ingest" and after[3:] == before[3:])  # events that were acknowledged stay
    assert not list(home.glob("*/*.tmp"))
    assert subprocess.run(told, capture_output=True, check=False).returncode == 0
    assert Workspace(home).verify().ok


@pytest.mark.turns(4)
def test_a_query_is_answered_though_it_cannot_be_journalled_only_if_asked_without_a_log(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    told = [sys.executable, "-m", "ltrr_cli", "query", "love", "--home", str(home), "--json"]
    refused = subprocess.run(told, capture_output=True, text=True, preexec_fn=at_most(100), check=False)
    assert refused.returncode == 7
    assert "journal.db" in refused.stderr
    answered = subprocess.run([*told, "--no-log"], capture_output=True, text=True, preexec_fn=at_most(100), check=False)
    assert json.loads(answered.stdout)["results"]
