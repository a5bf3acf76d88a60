"""Every write, fsync, rename and commit fails once, in every command that writes: all is as before, or all is done.

A day tries one part of the points of a long command (``tests.turns``); the slow set tries all of them in every way.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from pathlib import Path

import pytest

from ltrr_cli.core.errors import LtrrError
from ltrr_cli.storage import disk
from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made, state
from tests.turns import its_turn

COMMANDS = ("index", "update", "ingest", "train", "rebuild", "rollback", "gc")
FEW = 12  # points that are always all tried


def failures() -> tuple[BaseException, ...]:
    return (OSError(errno.EIO, "input/output error"), OSError(errno.ENOSPC, "full"), disk.SimulatedDeath())


def tried(made: Made, folder: Path, command: str, *, every: bool) -> int:
    """Fail at every point of a command; return how many points there are."""
    run = made.commands()[command]
    whole = Workspace(shutil.copytree(made.home, folder / "whole"))
    before = state(whole)
    with disk.faults(10**9, OSError()) as calls:
        run(whole)
    after = state(whole)
    points = len(calls)
    parts = 1 if every else max(points // FEW, 1)
    for nth in range(1, points + 1):
        if not its_turn(nth, parts):
            continue
        for kind, failure in enumerate(failures()):
            if every or nth // parts % 3 == kind:
                home = shutil.copytree(made.home, folder / f"{nth}-{kind}")
                with contextlib.suppress(OSError, LtrrError, disk.SimulatedDeath), disk.faults(nth, failure):
                    run(Workspace(home))
                left = Workspace(home)
                assert left.verify().ok, (command, nth, failure, calls[nth - 1])
                assert state(left) in (before, after, _between(before, after)), (command, nth, failure, calls[nth - 1])
                # a second step back is another step; and trying again takes as long as everything else together
                if command not in ("rollback", "gc") and (every or nth // parts % 5 == 0):
                    run(Workspace(home))
                    assert state(Workspace(home)) == after, (command, nth, failure, calls[nth - 1])
                shutil.rmtree(home)
    return points


def _between(before: tuple[object, ...], after: tuple[object, ...]) -> tuple[object, ...]:
    """Return the state in which events were acknowledged by the journal, but what they teach was not published."""
    entities, _, _, ranker, pages = before
    return (entities, after[1], after[2], ranker, pages)


@pytest.mark.turns(12)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_fails_anywhere_leaves_one_whole_state(made: Made, tmp_path: Path, command: str):
    assert tried(made, tmp_path, command, every=False) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_with_every_failure_at_every_point(made: Made, tmp_path: Path, command: str):
    assert tried(made, tmp_path, command, every=True) >= 4


def test_what_a_death_leaves_behind_is_swept(made: Made, tmp_path: Path):
    home = shutil.copytree(made.home, tmp_path / "home")
    with contextlib.suppress(disk.SimulatedDeath), disk.faults(40, disk.SimulatedDeath()):
        Workspace(home).index([made.catalog])
    drafts = list(home.glob("*/*.tmp"))
    assert drafts
    report = Workspace(home).gc()
    assert set(report.removed) >= {str(path.relative_to(home)) for path in drafts}
    assert not list(home.glob("*/*.tmp"))
    assert Workspace(home).verify().ok
