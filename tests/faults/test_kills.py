"""kill -9 at random moments; readers beside sweeps; two publishers; many appenders: real processes, real signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ltrr_cli.core.errors import LockedError
from ltrr_cli.core.seeds import generator
from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made, state
from tests.turns import TURN

PYTHON = (sys.executable, "-m", "ltrr_cli")


def words(made: Made, command: str) -> list[str]:
    return {
        "index": ["index", str(made.catalog)],
        "update": ["index", str(made.more), "--update"],
        "ingest": ["ingest-feedback", str(made.log)],
        "train": ["train-ranker", "--algorithm", "linear", "--judgments", str(made.queries), str(made.qrels)],
        "rebuild": ["rebuild"],
        "rollback": ["rollback"],
        "gc": ["gc", "--keep", "0"],
    }[command]


def started(home: Path, *command: str) -> subprocess.Popen[bytes]:
    told = [*PYTHON, *command, "--home", str(home), "-q"]
    return subprocess.Popen(told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed(made: Made, folder: Path, command: str, times: int) -> None:
    """Kill a command ``times`` times, somewhere between its start and its usual end."""
    whole = Workspace(shutil.copytree(made.home, folder / "whole"))
    before = state(whole)
    start = time.monotonic()
    assert started(whole.home, *words(made, command)).wait(120) == 0
    took = time.monotonic() - start
    after = state(Workspace(whole.home))
    acknowledged = (before[0], after[1], after[2], before[3], before[4])  # journalled, not yet learnt from
    chance = generator("kills", command, times, TURN)
    for number in range(times):
        home = Path(shutil.copytree(made.home, folder / f"killed-{number}"))
        running = started(home, *words(made, command))
        time.sleep(float(chance.uniform(0.2, 1.0)) * took)
        running.send_signal(signal.SIGKILL)
        running.wait(30)
        left = Workspace(home)
        assert left.verify().ok
        assert state(left) in (before, after, acknowledged)
        left.gc()
        assert not list(home.glob("*/*.tmp"))
        shutil.rmtree(home)


COMMANDS = ("index", "update", "ingest", "train", "rebuild", "rollback", "gc")


@pytest.mark.turns(7)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_command_leaves_one_whole_state(made: Made, tmp_path: Path, command: str):
    killed(made, tmp_path, command, 3)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_fifty_times(made: Made, tmp_path: Path, command: str):
    killed(made, tmp_path, command, 50)


@pytest.mark.turns(6)
def test_readers_never_meet_a_half_published_or_swept_generation(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    reader = """
import sys
from ltrr_cli.workspace.workspace import Workspace
pages = 0
while pages < 200:
    workspace = Workspace(sys.argv[1])
    for _ in range(10):
        page = workspace.query("love", k=3, log=False, seed=1)
        assert len(page.results) == 3 and not page.warnings, page.warnings
        pages += 1
"""
    readers = [subprocess.Popen([sys.executable, "-c", reader, str(home)], stderr=subprocess.PIPE) for _ in range(2)]
    publisher = Workspace(home)
    for _ in range(10):
        publisher.rebuild()
        publisher.gc(keep=0)
    for running in readers:
        _, told = running.communicate(timeout=120)
        assert running.returncode == 0, told.decode()
    publisher.gc(keep=0)
    assert len(list((home / "learned").iterdir())) == 1
    assert publisher.verify().ok


def test_what_a_reader_holds_is_not_swept(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    reader = Workspace(home)
    page = reader.query("love", log=False, seed=1)
    held = reader.state.current().learned
    publisher = Workspace(home)
    publisher.rebuild()
    report = publisher.gc(keep=0)
    assert f"learned/{held:04d}" in report.held
    assert [line.id for line in reader.query("love", log=False, seed=1).results] == [line.id for line in page.results]
    assert reader.state.current().learned > held  # a reader goes on to what is published, and lets go
    assert f"learned/{held:04d}" in publisher.gc(keep=0).removed


@pytest.mark.turns(4)
def test_a_second_publisher_is_told_who_the_first_is(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    first, second = Workspace(home), Workspace(home)
    with first.state.publishing("index"):
        for attempt in (second.rebuild, second.rollback, second.gc):
            with pytest.raises(LockedError, match=f"process {os.getpid()}"):
                attempt()
        done = subprocess.run([*PYTHON, "rebuild", "--home", str(home)], capture_output=True, text=True, check=False)
        assert done.returncode == 6
        assert str(os.getpid()) in done.stderr
    assert second.rebuild().same


def test_a_publisher_that_died_leaves_no_lock_behind(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    holder = "import sys, time\nfrom ltrr_cli.workspace.workspace import Workspace\n"
    holder += (
        "with Workspace(sys.argv[1]).state.publishing('index'):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", holder, str(home)], stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline() == b"held\n"
    with pytest.raises(LockedError, match=f"process {running.pid}"):
        Workspace(home).rebuild()
    running.kill()
    running.wait()
    running.stdout.close()
    assert Workspace(home).rebuild().same


@pytest.mark.turns(4)
def test_four_processes_append_and_nothing_is_lost(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    asker = """
import json, sys
from ltrr_cli.workspace.workspace import Workspace
workspace = Workspace(sys.argv[1])
ids = [workspace.query("love", k=3, seed=number).impression_id for number in range(25)]
print(json.dumps(ids))
"""
    before = Workspace(home).status().impressions
    running = [subprocess.Popen([sys.executable, "-c", asker, str(home)], stdout=subprocess.PIPE) for _ in range(4)]
    acknowledged = [name for each in running for name in json.loads(each.communicate(timeout=120)[0])]
    workspace = Workspace(home)
    assert len(set(acknowledged)) == 100
    assert workspace.status().impressions == before + 100
    assert all(workspace.state.journal.impression(name) is not None for name in acknowledged)
