"""A log that grows, rotates and is truncated under the eyes of who follows it: every event once, and learnt from."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import DataError
from ltrr_cli.learning import follow as following
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace
from tests.learning.test_ingest import LOG, digests, learnt_at_once, quarantined, written  # noqa: F401 -- a fixture

WHOLE = b"".join(LOG)


class Script:
    """Does one thing before every look, and ends after the last."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = iter(steps)
        self.waited: list[float] = []

    def wait(self, timeout: float) -> bool:
        self.waited.append(timeout)
        step = next(self._steps, None)
        if step is None:
            return True
        step()
        return False


def append(log: Path, data: bytes) -> Callable[[], object]:
    def add() -> None:
        with log.open("ab") as file:
            file.write(data)

    return add


def nothing() -> None:
    """Nothing happens before this look."""


@pytest.mark.turns(4)
def test_what_grows_rotates_and_is_truncated_is_taken_in_once(
    workspace: Workspace,
    learnt_at_once: tuple[str, str | None],  # noqa: F811
    tmp_path: Path,
):
    log, old = tmp_path / "log", tmp_path / "log.1"
    log.touch()
    cut = len(b"".join(LOG[:20])) + 30  # in mid-line

    def rotate() -> None:
        log.rename(old)
        append(old, b"".join(LOG[40:45]))()  # its writer has not left it yet
        append(log, b"".join(LOG[45:60]))()

    def copytruncate() -> None:
        shutil.copy(log, tmp_path / "copy")
        os.truncate(log, 0)
        append(log, b"".join(LOG[60:100]))()  # longer than what stood there

    script = Script(
        nothing, append(log, WHOLE[:cut]), append(log, WHOLE[cut : len(b"".join(LOG[:40]))]), rotate, nothing, nothing,
        copytruncate, lambda: os.truncate(log, 0), nothing, append(log, b"".join(LOG[100:])),
    )  # fmt: skip
    report = workspace.follow([log], script)
    assert (report.accepted, report.duplicates, report.quarantined) == (len(LOG), 0, 0)
    assert digests(workspace) == learnt_at_once


def test_a_line_without_an_end_waits_for_it(workspace: Workspace, tmp_path: Path):
    log = written(tmp_path / "log", LOG[0] + LOG[1][:30])
    assert workspace.follow([log], Script(nothing)).accepted == 1
    assert workspace.follow([log], Script(append(log, LOG[1][30:]))).accepted == 1
    assert workspace.status().events == 2


def test_bad_lines_that_come_later_are_set_aside_and_stop_nothing(workspace: Workspace, tmp_path: Path):
    log = written(tmp_path / "log", LOG[0])
    report = workspace.follow([log], Script(nothing, append(log, b"bad\n"), append(log, LOG[1])))
    assert (report.accepted, report.quarantined) == (2, 1)
    assert quarantined(workspace)[0]["line"] == 2
    with pytest.raises(DataError, match="1 of 3 lines are bad .*nothing was taken in"):
        workspace.follow([written(tmp_path / "other", LOG[2] + LOG[3] + b"bad\n")], Script(nothing))
    assert workspace.status().events == 2


def test_it_learns_at_an_interval_and_at_the_end(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log, now, learnt = written(tmp_path / "log", LOG[0]), iter(range(0, 1000, 10)), []
    monkeypatch.setattr(following, "monotonic", lambda: next(now))
    fold = following.learn
    monkeypatch.setattr(following, "learn", lambda *given: learnt.append(1) or fold(*given))
    grown = [append(log, line) for line in LOG[1:7]]
    assert workspace.follow([log], Script(nothing, *grown), every=25.0).accepted == 7
    assert 2 < len(learnt) < 6
    assert workspace.status().events == 7


@pytest.mark.parametrize("log", ["-", "nowhere", "log.gz"])
def test_what_does_not_grow_is_refused(workspace: Workspace, tmp_path: Path, log: str):
    (tmp_path / "log.gz").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(DataError, match="does not grow"):
        workspace.follow([log if log == "-" else tmp_path / log], Script())


@pytest.fixture
def follower(workspace: Workspace, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    log = written(tmp_path / "log", LOG[0])
    command = [sys.executable, "-m", "ltrr_cli", "ingest-feedback", str(log), "--follow", "--home", workspace.home]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.wait()


def test_control_c_ends_it_with_a_report(follower: subprocess.Popen[str], workspace: Workspace, tmp_path: Path):
    def until(events: int) -> None:
        deadline = time.monotonic() + 120
        while workspace.state.journal.counts().events < events:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    until(1)
    append(tmp_path / "log", LOG[1])()
    until(2)
    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=120)
    assert (follower.returncode, err) == (0, "")
    assert out.startswith("2 events accepted, 2 outcomes; learned generation ")
    assert learned_digest(workspace.state, ltrr_cli.open(workspace.home).state.current()) is not None
