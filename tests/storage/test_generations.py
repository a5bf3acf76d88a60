"""Generations are whole or absent; damage is found and named before anything reads it."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DamagedError, LockedError, NoSpaceError
from ltrr_cli.storage import disk
from ltrr_cli.storage.generations import Generations
from ltrr_cli.storage.lock import publication


def publish(home: Path, word: str = "one", *, learned: bool = True) -> Generations:
    home.mkdir(exist_ok=True)
    generations = Generations(home)
    with generations.draft("catalog") as catalog:
        (catalog.folder / "columns").mkdir()
        (catalog.folder / "columns" / "titles").write_text(word)
    number = None
    if learned:
        with generations.draft("learned") as draft:
            for part in ("memory", "policy"):
                (draft.folder / part).mkdir()
                (draft.folder / part / "state").write_text(word)
        number = draft.number
    generations.publish(catalog=catalog.number, learned=number)
    return generations


def answer(home: Path) -> str:
    opened = Generations(home).open()
    return (opened.catalog / "columns" / "titles").read_text()


def test_what_was_published_is_what_is_opened(tmp_path: Path):
    publish(tmp_path / "home")
    opened = Generations(tmp_path / "home").open()
    assert (opened.catalog.name, opened.learned and opened.learned.name, opened.damaged) == ("0001", "0001", ())
    assert Generations(tmp_path / "home").verify().damages == ()


def test_nothing_published_is_none(tmp_path: Path):
    assert Generations(tmp_path).current() is None


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), OSError(errno.ENOSPC, "full"), disk.SimulatedDeath()])
def test_whatever_call_fails_one_whole_generation_answers(tmp_path: Path, error: BaseException):
    home = tmp_path / "home"
    publish(home, "old")
    with disk.faults(10**9, error) as calls:
        publish(tmp_path / "counted", "new")
    assert len(calls) > 15
    for nth in range(1, len(calls) + 1):
        with contextlib.suppress(OSError, NoSpaceError, disk.SimulatedDeath), disk.faults(nth, error):
            publish(home, "new")
        assert answer(home) in ("old", "new"), f"call {nth}"
        assert Generations(home).verify().damages == (), f"call {nth}"
    publish(home, "after")
    assert answer(home) == "after"


def test_a_full_disk_names_the_path_and_leaves_no_draft(tmp_path: Path):
    home = tmp_path / "home"
    publish(home)
    with disk.faults(5, OSError(errno.ENOSPC, "full")), pytest.raises(NoSpaceError, match=str(tmp_path)):
        publish(home)
    assert not list(home.glob("*/*.tmp"))


@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_catalog_stops_and_names_the_file(tmp_path: Path, harm: str):
    generations = publish(tmp_path / "home")
    path = tmp_path / "home" / "catalog" / "0001" / "columns" / "titles"
    _harm(path, harm)
    with pytest.raises(DamagedError, match="titles"):
        generations.open()
    assert [damage.path for damage in generations.verify().damages] == [path]


@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_learned_part_is_named_and_the_rest_stays(tmp_path: Path, harm: str):
    generations = publish(tmp_path / "home")
    _harm(tmp_path / "home" / "learned" / "0001" / "memory" / "state", harm)
    opened = generations.open()
    assert [damage.part for damage in opened.damaged] == ["memory"]
    assert "ltrr ingest-feedback" in str(opened.damaged[0])


def test_a_changed_pointer_is_found(tmp_path: Path):
    generations = publish(tmp_path / "home")
    path = tmp_path / "home" / "CURRENT.json"
    path.write_text(path.read_text().replace('"catalog": 1', '"catalog": 2'))
    with pytest.raises(DamagedError, match="check sum"):
        generations.current()


def test_a_newer_format_says_so(tmp_path: Path):
    generations = publish(tmp_path / "home")
    path = tmp_path / "home" / "CURRENT.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(DamagedError, match="newer"):
        generations.current()


def test_a_second_publisher_is_told_who_holds_the_lock(tmp_path: Path):
    with (
        publication(tmp_path, "index"),
        pytest.raises(LockedError, match="ltrr index.*process"),
        publication(tmp_path, "x"),
    ):
        pass
    with publication(tmp_path, "again"):
        pass


def test_a_dead_holder_holds_nothing(tmp_path: Path):
    code = (
        "import os, sys, pathlib; from ltrr_cli.storage.lock import publication\n"
        "with publication(pathlib.Path(sys.argv[1]), 'index'): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    with publication(tmp_path, "index"):
        pass


def _harm(path: Path, harm: str) -> None:
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif harm == "flip":
        data = bytearray(path.read_bytes())
        data[0] ^= 1
        path.write_bytes(data)
    else:
        path.unlink()
