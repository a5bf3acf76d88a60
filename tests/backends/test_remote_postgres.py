"""A real PostgreSQL with pgvector, where one is installed: asked, stopped in mid-stream, started again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ltrr_cli.backends.remote_postgres import PostgresRetriever
from ltrr_cli.core.config import RemoteSettings
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.remote import RemoteQuestion
from ltrr_cli.workspace.workspace import Workspace
from tests.backends.postgres_server import PostgresServer
from tests.small_workspace import write_catalog

ASK = (
    "select id, 1 - (vector <=> %(vector)s::vector), title from items "
    "order by vector <=> %(vector)s::vector limit %(k)s"
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    found = PostgresServer()
    yield found
    found.remove()


@pytest.fixture(scope="module")
def workspace(server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    import psycopg

    folder = tmp_path_factory.mktemp("postgres")
    home = folder / "home"
    Workspace(home).index([write_catalog(folder / "songs.jsonl")])
    snapshot = Workspace(home).state.snapshot()
    vectors = snapshot.encoder.encode(list(snapshot.catalog.titles))
    with psycopg.connect(server.address, autocommit=True) as base:
        base.execute("create extension vector")
        base.execute(f"create table items (id text primary key, title text, vector vector({vectors.shape[1]}))")
        with base.cursor() as cursor:
            cursor.executemany(
                "insert into items values (%s, %s, %s)",
                [
                    (name, title, "[" + ",".join(map(str, vector.tolist())) + "]")
                    for name, title, vector in zip(snapshot.catalog.ids, snapshot.catalog.titles, vectors, strict=True)
                ],
            )
    (home / "ltrr.toml").write_text(
        f'[retrieval.remote.vectors]\nkind = "pgvector"\naddress = "{server.address}"\ntimeout_ms = 3000\n'
        f'request = "{ASK}"\n'
    )
    return Workspace(home)


def test_it_finds_what_the_local_vectors_find(workspace: Workspace):
    page = workspace.query("summer rain", k=20, seed=1)
    assert page.degraded == ()
    both = [line.sources for line in page.results if {"vectors", "dense"} <= line.sources.keys()]
    assert len(both) >= 5
    assert any("vectors" in line.sources for line in page.results[:3])


def test_stopped_in_mid_stream_nothing_fails_and_started_again_it_comes_back(
    workspace: Workspace, server: PostgresServer
):
    assert workspace.query("love", k=5, seed=1).plan.draws["vectors"] > 0
    server.stop()
    for _ in range(4):
        start = time.monotonic()
        page = workspace.query("love", k=5, seed=1)
        assert time.monotonic() - start < 5.0
        assert len(page.results) == 5
        assert page.degraded == ("vectors",)
    assert page.plan.draws["vectors"] == 0
    server.start()
    until = time.monotonic() + 20
    while (page := workspace.query("love", k=5, seed=1)).degraded and time.monotonic() < until:
        time.sleep(0.1)
    assert page.degraded == ()
    assert page.plan.draws["vectors"] > 0


@pytest.mark.parametrize(
    ("request_", "said"),
    [("selec", "syntax"), ("select 1", r"no \(id, score\)"), ("select pg_sleep(9), 1", "statement timeout")],
)
def test_a_query_that_is_wrong_or_slow_is_no_answer(server: PostgresServer, request_: str, said: str):
    one = PostgresRetriever("x", RemoteSettings("pgvector", server.address, request=request_))
    with pytest.raises(DataError, match=said):
        one.search(RemoteQuestion("love", 3, (0.0,)), 0.5)


def test_a_query_without_a_known_word_finds_nothing_and_leaves_no_nan(workspace: Workspace, server: PostgresServer):
    one = PostgresRetriever("x", RemoteSettings("pgvector", server.address, request=ASK))
    dimension = workspace.state.snapshot().encoder.dimension
    assert one.search(RemoteQuestion("", 3, (0.0,) * dimension), 3.0) == []


def test_without_a_query_or_its_secret_it_is_refused(server: PostgresServer, tmp_path: Path):
    with pytest.raises(DataError, match="request is empty"):
        PostgresRetriever("x", RemoteSettings("pgvector", server.address))
    settings = RemoteSettings("pgvector", server.address, request=ASK, secret_file=str(tmp_path / "none"))
    with pytest.raises(DataError, match="secret_file"):
        PostgresRetriever("x", settings).search(RemoteQuestion("love", 3), 1.0)
