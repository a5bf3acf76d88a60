"""A retriever elsewhere as a strategy: beside the local ones, absent when it fails, journalled, never asked again."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.engine import search as searching
from ltrr_cli.learning.credit import as_served
from ltrr_cli.workspace.workspace import Workspace
from tests.backends.fake_search import FakeSearch, hits
from tests.conftest import SONGS
from tests.small_workspace import searches, write_log

WANTED = SONGS[77].id


@pytest.fixture
def fake() -> Iterator[FakeSearch]:
    found = FakeSearch()
    found.answer = hits((WANTED, 9.0), ("elsewhere", 8.0), (SONGS[3].id, 2.0))
    yield found
    found.close()


@pytest.fixture(scope="module")
def home(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(indexed, tmp_path_factory.mktemp("remote") / "home"))


def named_in(home: Path, fake: FakeSearch) -> Workspace:
    (home / "ltrr.toml").write_text(
        f'[retrieval.remote.cluster]\nkind = "opensearch"\naddress = "{fake.address}"\nindex = "songs"\n'
        "timeout_ms = 2000\n"
    )
    return Workspace(home)


@pytest.fixture
def workspace(home: Path, fake: FakeSearch) -> Workspace:
    return named_in(home, fake)


def test_what_it_brings_stands_on_the_page_beside_the_local_ones(workspace: Workspace):
    page = workspace.query("zzzx nothing local", k=20, seed=1)
    sources = {line.id: line.sources for line in page.results}
    assert sources[WANTED]["cluster"].rank == 1
    assert 0.0 < sources[WANTED]["cluster"].score <= 1.0  # scaled inside the arm
    assert "cluster" in page.plan.draws
    assert page.degraded == ()
    assert [(one.id, one.strategy, one.rank, one.fields["title"]) for one in page.unknown] == [
        ("elsewhere", "cluster", 2, "Title of elsewhere")
    ]  # fmt: skip
    assert any("1 results are not in the catalog" in told for told in page.warnings)
    assert workspace.state.remotes().states()["cluster"]["unknown"] == 1


def test_filters_of_the_query_hold_for_it_too(workspace: Workspace, fake: FakeSearch):
    kind = SONGS[77].type
    other = "album" if kind == "track" else "track"
    page = workspace.query("zzzx", k=20, seed=1, filters=[f"type={other}"])
    assert WANTED not in [line.id for line in page.results]
    assert fake.asked[-1][3]["query"]["bool"]["filter"] == [{"term": {"type": other}}]


def test_the_journal_keeps_what_came_and_nobody_asks_again(workspace: Workspace, fake: FakeSearch):
    page = workspace.query("zzzx", k=20, seed=1)
    kept = workspace.state.journal.impression(page.impression_id)
    assert dict(kept.remote) == {"cluster": ((WANTED, 9.0), ("elsewhere", 8.0), (SONGS[3].id, 2.0))}
    log = workspace.home / "clicks.jsonl"
    log.write_text(json.dumps({"event": "click", "timestamp": "2030-01-01T00:00:00Z",
                               "impression_id": page.impression_id, "entity_id": WANTED}) + "\n")  # fmt: skip
    asked = len(fake.asked)
    workspace.ingest([log])
    workspace.rebuild()
    workspace.explain(page.impression_id)
    snapshot = workspace.state.snapshot()
    again = searching.answer(snapshot, kept.query, searching.context_of(kept), k=20, budget=200, seed=kept.seed)
    assert WANTED in [snapshot.catalog.ids[int(row)] for row in again.candidates.rows[again.page]]
    assert len(fake.asked) == asked
    _, depths, _ = as_served(snapshot, kept)
    assert depths[list(kept.plan.draws).index("cluster")] > 0


def test_imported_searches_never_ask_and_teach_nothing_of_it(workspace: Workspace, fake: FakeSearch, tmp_path: Path):
    workspace.ingest([write_log(tmp_path / "log.jsonl", searches(40))])
    workspace.train()
    assert fake.asked == []
    snapshot = workspace.state.snapshot()
    found = searching.answer(snapshot, "love", searching.context_of(
        next(iter(workspace.state.journal.impressions()))), k=5, budget=200)  # fmt: skip
    assert found.plan.draws["cluster"] == 0  # absent: it gets nothing
    assert sum(found.plan.draws.values()) == 200


def test_a_deadline_makes_it_absent_and_the_page_degraded(workspace: Workspace, fake: FakeSearch):
    fake.delay = 3.0
    hasty = Workspace(workspace.home, retrieval__remote__cluster__timeout_ms=150.0)
    hasty.query("love", k=3, log=False)  # opens what has to be opened
    start = time.monotonic()
    page = hasty.query("love", k=5, seed=1)
    assert time.monotonic() - start < 2.0
    assert page.degraded == ("cluster",)
    assert any(told == "without cluster: no answer in time" or "timed out" in told for told in page.warnings)
    assert len(page.results) == 5
    kept = hasty.state.journal.impression(page.impression_id)
    assert dict(kept.remote) == {}
    _, depths, _ = as_served(hasty.state.snapshot(), kept)
    assert depths[list(kept.plan.draws).index("cluster")] == 0  # nothing is learnt of it


def test_who_keeps_failing_is_asked_rarely_gets_no_share_and_comes_back(workspace: Workspace, fake: FakeSearch):
    assert workspace.query("love", k=5, seed=1).plan.draws["cluster"] > 0
    fake.status = 500
    for _ in range(3):
        assert workspace.query("love", k=5, seed=1).degraded == ("cluster",)
    asked = len(fake.asked)
    page = workspace.query("love", k=5, seed=1)
    assert page.degraded == ("cluster",)
    assert page.plan.draws["cluster"] == 0
    assert len(fake.asked) == asked
    assert workspace.state.remotes().states()["cluster"]["open"]
    fake.status = 200
    until = time.monotonic() + 10
    while (page := workspace.query("love", k=5, seed=1)).degraded and time.monotonic() < until:
        time.sleep(0.05)
    assert page.degraded == ()
    assert page.plan.draws["cluster"] > 0


def test_a_name_of_a_local_strategy_is_refused(home: Path):
    (home / "ltrr.toml").write_text('[retrieval.remote.dense]\nkind = "http"\naddress = "http://x"\nids = "[]"\n')
    with pytest.raises(DataError, match="local strategy"):
        Workspace(home).query("love")


def test_a_file_of_queries_asks_it_for_many_at_once(workspace: Workspace, fake: FakeSearch, tmp_path: Path):
    fake.answer = {"responses": [{**hits((WANTED, 9.0)), "status": 200}] * 2}
    queries, run = tmp_path / "queries.jsonl", tmp_path / "run.trec"
    queries.write_text("".join(json.dumps({"query_id": f"q{n}", "text": f"zzzx {n}"}) + "\n" for n in range(2)))
    workspace.query_batch(queries, run)
    (asked,) = fake.asked
    assert (asked[1], len(asked[3])) == ("/songs/_msearch", 4)
    assert {line.split()[0] for line in run.read_text().splitlines() if line.split()[2] == WANTED} == {"q0", "q1"}


def test_the_bandit_starts_it_as_the_local_strategy_that_it_is_like(indexed: Path, tmp_path: Path, fake: FakeSearch):
    snapshot = named_in(Path(shutil.copytree(indexed, tmp_path / "home")), fake).state.snapshot()
    names = ("dense", "cluster")
    model = snapshot.policy.model  # type: ignore[attr-defined]
    means = model.means(names, 2, model.width)
    assert (means[0] == means[1]).all()
    alike = snapshot.history.of(names, {})
    assert (alike[0] == alike[1]).all()
