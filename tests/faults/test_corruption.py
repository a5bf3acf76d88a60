"""Every file of a workspace is truncated, emptied, deleted, flipped, zeroed or swapped: named, never silently wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made, answers
from tests.turns import todays


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def deleted(path: Path) -> None:
    path.unlink()


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 2] ^= 1
    path.write_bytes(data)


def zeroed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    start = min(len(data) // 2, max(len(data) - 4096, 0))
    data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    path.write_bytes(data)


DAMAGES: tuple[Callable[[Path], None], ...] = (truncated, emptied, deleted, flipped, zeroed)


def files_of(home: Path, kind: str) -> list[Path]:
    current = Workspace(home).state.current()
    folder = home / kind / f"{getattr(current, kind):04d}"
    return sorted(path.relative_to(home) for path in folder.rglob("*") if path.is_file())


def damaged(made: Made, folder: Path, name: Path, damage: Callable[[Path], None]) -> Path | None:
    """Return a copy with one file damaged; None where the damage changes nothing (an empty file emptied)."""
    home = Path(shutil.copytree(made.home, folder / f"{damage.__name__}-{str(name).replace('/', '-')}"))
    before = (home / name).read_bytes()
    damage(home / name)
    if (home / name).exists() and (home / name).read_bytes() == before:
        return None
    return home


@pytest.mark.turns(20)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_the_catalog_is_named_and_nothing_is_answered(
    made: Made, tmp_path: Path, damage: Callable[[Path], None]
):
    names = files_of(made.home, "catalog")
    assert len(names) > 30
    for name in names:
        home = damaged(made, tmp_path, name, damage)
        if home is not None:
            with pytest.raises(DamagedError, match=name.name):
                Workspace(home).query("love", log=False)
            report = Workspace(home).verify()
            assert [Path(found.path).name for found in report.damaged] == [name.name]
            shutil.rmtree(home)


@pytest.mark.turns(20)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_what_was_learnt_is_named_and_the_rest_answers(
    made: Made, tmp_path: Path, damage: Callable[[Path], None]
):
    names = files_of(made.home, "learned")
    assert len(names) > 8
    whole = Workspace(made.home).status().journal_digest
    for name in todays(names, 3):
        home = damaged(made, tmp_path, name, damage)
        if home is not None:
            page = Workspace(home).query("love", log=False, seed=1)
            assert page.results
            assert any(name.name in warning for warning in page.warnings), name
            assert not Workspace(home).verify().ok
            mended = Workspace(home)
            mended.rebuild()
            assert Workspace(home).verify().ok
            assert mended.status().journal_digest == whole
            shutil.rmtree(home)


def test_after_a_rebuild_everything_that_was_folded_answers_as_before(made: Made, tmp_path: Path):
    whole = answers(Workspace(made.home))
    for name in todays(files_of(made.home, "learned"), 6):
        if "ranker" not in name.parts and name.name != "MANIFEST.json":
            home = damaged(made, tmp_path, name, deleted)
            assert home is not None
            Workspace(home).rebuild()
            assert answers(Workspace(home)) == whole, name
            shutil.rmtree(home)


@pytest.mark.turns(4)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_pointer_is_named_and_an_index_mends_it(made: Made, tmp_path: Path, damage: Callable[[Path], None]):
    home = damaged(made, tmp_path, Path("CURRENT.json"), damage)
    assert home is not None
    if damage is not deleted:
        with pytest.raises(DamagedError, match="CURRENT"):
            Workspace(home).query("love")
    Workspace(home).index([made.catalog])
    assert Workspace(home).verify().ok
    assert Workspace(home).status().events == 40


@pytest.mark.parametrize("damage", [truncated, flipped, zeroed])
def test_a_damaged_journal_is_named(made: Made, tmp_path: Path, damage: Callable[[Path], None]):
    home = damaged(made, tmp_path, Path("journal.db"), damage)
    assert home is not None
    report = Workspace(home).verify()
    named = [found for found in report.damaged if "journal" in found.path]
    if damage is not flipped:  # one bit inside a text is a text: no database can know
        assert named
    assert Workspace(home).query("love", log=False).results


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.turns(4)
def test_parts_of_another_generation_are_refused(made: Made, tmp_path: Path):
    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    Workspace(home).index([made.more], update=True)
    old, new = sorted((home / "catalog").glob("[0-9]*"))
    for name in ("dense", "lexical", "encoder", "understanding", "columns"):
        other = Path(shutil.copytree(home, tmp_path / name))
        shutil.rmtree(other / "catalog" / new.name / name)
        shutil.copytree(old / name, other / "catalog" / new.name / name)
        if contents(old / name) != contents(new / name):
            with pytest.raises(DamagedError, match=name):
                Workspace(other).query("love")
