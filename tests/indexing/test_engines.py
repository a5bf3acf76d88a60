from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import LtrrError, UsageError
from ltrr_cli.engine.executor import PoolExecutor
from ltrr_cli.indexing import index as indexing
from tests.indexing.engines import Disorder, contents
from tests.small_workspace import write_catalog, write_settings


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return write_catalog(tmp_path / "catalog.jsonl")


def built(home: Path, catalog: Path, engine: str | None = None) -> dict[str, str]:
    ltrr_cli.open(write_settings(home)).index([catalog], engine=engine)
    return contents(home / "catalog" / "0001")


@pytest.mark.turns(6)
@pytest.mark.parametrize("workers", [1, 3, 7])
def test_a_catalog_is_the_same_however_many_build_it_in_whatever_order(
    workers: int, indexed: Path, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(indexing, "open_executor", lambda name: PoolExecutor(name, Disorder(workers)))
    assert built(tmp_path / "home", catalog) == contents(indexed / "catalog" / "0001")


@pytest.mark.turns(4)
def test_workers_may_have_another_current_folder(
    indexed: Path, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Abroad(Disorder):
        def run(self) -> None:
            os.chdir("/")
            super().run()
            os.chdir(tmp_path)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(indexing, "open_executor", lambda name: PoolExecutor(name, Abroad(2)))
    assert built(Path("home"), catalog) == contents(indexed / "catalog" / "0001")


@pytest.mark.turns(4)
def test_processes_build_the_same_catalog_and_one_of_them_may_be_killed(indexed: Path, catalog: Path, tmp_path: Path):
    killed = []

    def kill() -> None:
        while not multiprocessing.active_children():
            time.sleep(0.01)
        time.sleep(0.7)
        for child in multiprocessing.active_children()[:1]:
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)

    threading.Thread(target=kill, daemon=True).start()
    assert built(tmp_path / "home", catalog, "processes=2") == contents(indexed / "catalog" / "0001")
    assert killed
    assert not multiprocessing.active_children()


def test_the_settings_say_where_work_runs(catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LTRR_ENGINE", "spark")
    with pytest.raises(UsageError, match="no engine 'spark'"):
        ltrr_cli.open(tmp_path / "home").index([catalog])
    assert not (tmp_path / "home").exists()


def test_where_a_worker_fails_nothing_is_published_and_nothing_is_left(
    indexed: Path, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Broken(Disorder):
        def run(self) -> None:
            for future, _ in self._waiting:
                future.set_exception(MemoryError("too little"))
            self._waiting.clear()

    monkeypatch.setattr(indexing, "open_executor", lambda name: PoolExecutor(name, Broken(2)))
    with pytest.raises(LtrrError, match="part 1 failed 3 times: MemoryError: too little"):
        ltrr_cli.open(tmp_path / "home").index([catalog])
    assert not list((tmp_path / "home" / "catalog").iterdir())
    assert not (tmp_path / "home" / "CURRENT.json").exists()
