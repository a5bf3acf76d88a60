"""Whoever walks through the past, what a training looks at and what comes of it is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.clock import DAY, HOUR, iso
from ltrr_cli.core.errors import LtrrError
from ltrr_cli.core.progress import quiet
from ltrr_cli.engine.executor import Executor, PoolExecutor, open_executor
from ltrr_cli.learning import checkpoint, fold_elsewhere, walk_elsewhere
from ltrr_cli.learning.past_searches import past_searches
from ltrr_cli.learning.teaching import Teacher
from ltrr_cli.learning.train import Labelled
from ltrr_cli.workspace import maintenance
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS
from tests.indexing.engines import Disorder, contents
from tests.small_workspace import searches, write_catalog, write_log

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace


@pytest.fixture
def imported(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with imported searches and daily counts; a training looks at the newest, a checkpoint lies before."""
    monkeypatch.setattr(checkpoint, "FEWEST", 100)
    (workspace.home / "ltrr.toml").write_text("[ranking]\nsample = 60\n[allocation]\nsample = 100\n")
    log = write_log(tmp_path / "log.jsonl", searches(300, start=DAY_0 + DAY - 4 * HOUR))  # over midnight
    counts = tmp_path / "counts.csv"
    days = [iso(DAY_0 + number * DAY)[:10] for number in range(-1, 2)]
    rows = [f"{day},slangworda please,{SONGS[9].id},click,3,2\n" for day in days]
    counts.write_text("day,query,entity,type,actions,users\n" + "".join(rows))
    fed = ltrr_cli.open(workspace.home)
    fed.ingest([log, counts])
    assert fed.state.generations.numbers(checkpoint.CHECKPOINTS)
    return fed


@pytest.fixture
def disorder(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """Gives an engine whose workers work in an order by chance."""

    def of(workers: int) -> str:
        def opened(name: str, **_: object) -> Executor:
            return Executor() if name == "local" else PoolExecutor(name, Disorder(workers))

        monkeypatch.setattr(maintenance, "open_executor", opened)
        return "disorder"

    return of


def looked_at(workspace: Workspace, executor: Executor) -> Labelled:
    with workspace.state.publishing("test"):
        return past_searches(workspace.state, workspace.state.snapshot(), quiet, executor)


def parts(found: Labelled) -> list[object]:
    examples = found.examples
    arrays = (examples.features, examples.labels, examples.groups, examples.weights, examples.baseline, examples.items)
    return [found.queries, found.entities, found.newest_ms, *(array.tobytes() for array in arrays)]


@pytest.mark.turns(6)
@pytest.mark.parametrize("workers", [1, 3, 7])
def test_past_searches_are_the_same_whoever_answered_them_in_whatever_order(
    imported: Workspace, workers: int, monkeypatch: pytest.MonkeyPatch
):
    here = looked_at(imported, Executor())
    imported.state.journal.thaw()
    monkeypatch.setattr(walk_elsewhere, "SEARCHES", 7)
    monkeypatch.setattr(walk_elsewhere, "STEPS", 10)
    there = looked_at(imported, PoolExecutor("disorder", Disorder(workers)))
    assert len(here.queries) > 30
    assert parts(here) == parts(there)
    assert not list((imported.home / "checkpoints").glob("*.tmp"))


def test_processes_train_the_same_ranker(imported: Workspace, tmp_path: Path):
    shutil.copytree(imported.home, tmp_path / "other")
    here = imported.train(algorithm="linear")
    there = ltrr_cli.open(tmp_path / "other").train(algorithm="linear", engine="processes=2")
    assert here.model == there.model == "ranker-1"
    assert here.measures == there.measures
    one, other = contents(imported.home / "models" / "0001"), contents(tmp_path / "other" / "models" / "0001")
    assert {name: digest for name, digest in one.items() if name != "card.json"} == {
        name: digest for name, digest in other.items() if name != "card.json"
    }


def test_where_nothing_is_missing_nobody_is_asked(imported: Workspace):
    here = looked_at(imported, Executor())
    with open_executor("processes=2") as executor:
        assert parts(looked_at(imported, executor)) == parts(here)
        assert executor._pool._pool is None


@pytest.mark.turns(6)
@pytest.mark.parametrize("workers", [1, 3, 7])
def test_a_fold_is_the_same_whoever_asked_what_teaches(
    imported: Workspace, workers: int, disorder: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
):
    here = imported.rebuild()
    monkeypatch.setattr(fold_elsewhere, "SEARCHES", 3)
    monkeypatch.setattr(fold_elsewhere, "OUTCOMES", 8)
    there = imported.rebuild(engine=disorder(workers))
    assert there.digest == here.digest
    assert not list((imported.home / "checkpoints").glob("*.tmp"))
    assert imported.rebuild().same


def test_a_fold_goes_on_from_what_was_learnt_with_workers(
    imported: Workspace, disorder: Callable[[int], str], tmp_path: Path
):
    imported.rebuild(engine=disorder(2))
    later = write_log(tmp_path / "later.jsonl", searches(30, start=DAY_0 + 3 * DAY))
    imported.ingest([later])
    assert imported.rebuild().same


def test_processes_fold_the_same(imported: Workspace):
    assert imported.rebuild(engine="processes=2").same


def test_workers_of_an_index_ask_what_teaches_too(imported: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked_here = []
    monkeypatch.setattr(Teacher, "ask", lambda _, search: asked_here.append(search))
    imported.index([write_catalog(tmp_path / "again.jsonl")], engine="processes=2")
    monkeypatch.undo()
    assert not asked_here
    assert imported.rebuild().same


def test_where_a_worker_fails_the_old_generation_answers_and_nothing_is_left(
    imported: Workspace, monkeypatch: pytest.MonkeyPatch
):
    class Broken(Disorder):
        def run(self) -> None:
            for future, _ in self._waiting:
                future.set_exception(MemoryError("too little"))
            self._waiting.clear()

    before = imported.state.current()
    monkeypatch.setattr(maintenance, "open_executor", lambda name, **_: PoolExecutor(name, Broken(2)))
    with pytest.raises(LtrrError, match="searches that teach, part 1 failed 3 times: MemoryError: too little"):
        imported.rebuild(engine="broken")
    assert imported.state.current() == before
    assert not [*imported.home.glob("*/*.tmp")]
