"""A vector store elsewhere in place of the local vectors: the same share and pages, and what happens when it stops.

Two workspaces over hetrec learn from the same simulated people: one with the local strategy `dense`, one without it and
with PostgreSQL and pgvector, holding the same vectors, as a strategy. Needs psycopg, and a PostgreSQL with pgvector
(the package pgserver, or Debian's).

    python benchmarks/beside_postgres.py DATA [--quick]
"""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from time import monotonic

import numpy as np
from _common import Bars, run, scratch

import ltrr_cli
from ltrr_cli.workspace.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[1]))

BUDGET, K = 100, 10
SEARCHES, EVERY, LAST = 2_000, 250, 500
DEADLINE = 1.0  # seconds
START = 1_700_000_000_000
ASK = "select id, 1 - (vector <=> %(vector)s::vector) from items order by vector <=> %(vector)s::vector limit %(k)s"


def judged(data: Path) -> list[tuple[str, dict[str, int]]]:
    """Return (text, entity -> grade) of queries for topics and for names."""
    found = []
    for kind in ("topic", "name", "tagvariant"):
        grades: dict[str, dict[str, int]] = defaultdict(dict)
        for line in (data / f"qrels_{kind}.tsv").read_text("utf-8").splitlines():
            query, _, entity, grade = line.split()
            grades[query][entity] = int(grade)
        for line in (data / f"queries_{kind}.jsonl").read_text("utf-8").splitlines():
            query = json.loads(line)
            found.append((query["text"], grades[query["query_id"]]))
    return found


def ndcg(page: list[str], grades: dict[str, int]) -> float:
    """Return nDCG@10 of a page."""
    weights = 1.0 / np.log2(np.arange(2, K + 2))
    best = sorted(grades.values(), reverse=True)[:K]
    ideal = float(np.dot(best, weights[: len(best)]))
    return (
        sum(grades.get(one, 0) * weight for one, weight in zip(page, weights, strict=False)) / ideal if ideal else 0.0
    )


def live(
    workspace: Workspace, name: str, queries: list[tuple[str, dict[str, int]]], searches: int
) -> tuple[float, float]:
    """Let people search and click; return (share of a strategy, nDCG@10) over the last searches."""
    shares, measures, clicks = [], [], []
    chance = random.Random(5)
    log = workspace.home / "clicks.jsonl"
    for number in range(searches):
        text, grades = queries[chance.randrange(len(queries))]
        moment = START + number * 60_000
        page = workspace.query(text, k=K, budget=BUDGET, seed=number, at=moment)
        shares.append(page.plan.draws.get(name, 0) / BUDGET)
        measures.append(ndcg([line.id for line in page.results], grades))
        for line in page.results:
            if grades.get(line.id, 0) > 0 and chance.random() < line.position**-0.5:
                clicks.append({"event": "click", "timestamp": moment + 1_000, "impression_id": page.impression_id,
                               "entity_id": line.id})  # fmt: skip
                break
        if (number + 1) % EVERY == 0:
            log.write_text("".join(json.dumps(click) + "\n" for click in clicks), "utf-8")
            workspace.ingest([log])
            clicks = []
    return float(np.mean(shares[-LAST:])), float(np.mean(measures[-LAST:]))


def fill(address: str, workspace: Workspace) -> None:
    """Put the vectors of the local strategy into the database."""
    import psycopg

    (path,) = (workspace.home / "catalog").rglob("dense/**/vectors.npy")
    vectors, ids = np.load(path, mmap_mode="r"), workspace.state.snapshot().catalog.ids
    with psycopg.connect(address, autocommit=True) as base:
        base.execute("create extension vector")
        base.execute(f"create table items (id text primary key, vector vector({vectors.shape[1]}))")
        with base.cursor() as cursor, cursor.copy("copy items from stdin") as copy:
            for name, vector in zip(ids, vectors, strict=True):
                if vector.any():
                    copy.write_row((name, "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]"))


def main(data: Path, bars: Bars, quick: bool) -> None:
    """Index, fill, search, stop, start."""
    names = ("share of pgvector beside that of dense, difference", "nDCG@10 beside that with dense, lost",
             "searches that failed while it was stopped", "slowest search while it was stopped, seconds",
             "share while it is stopped", "share after it is back")  # fmt: skip
    try:
        import pytest

        from tests.backends.postgres_server import PostgresServer

        server = PostgresServer()
    except (ImportError, pytest.skip.Exception) as why:
        for name in names:
            bars.skipped(name, str(why))
        return
    if not (data / "hetrec").is_dir():
        for name in names:
            bars.skipped(name, "no hetrec")
        return
    searches = 500 if quick else SEARCHES
    queries = judged(data / "hetrec")
    try:
        with scratch() as place:
            folder = Path(place)
            local = ltrr_cli.open(folder / "local")
            local.index([data / "hetrec" / "catalog.jsonl.gz"])
            fill(server.address, local)
            shutil.copytree(folder / "local", folder / "beside")
            (folder / "beside" / "ltrr.toml").write_text(
                f'[retrieval]\noff = ["dense"]\n[retrieval.remote.vectors]\nkind = "pgvector"\n'
                f'address = "{server.address}"\ntimeout_ms = {1000 * DEADLINE}\nrequest = "{ASK}"\n'
            )
            beside = ltrr_cli.open(folder / "beside")
            dense_share, dense_measure = live(local, "dense", queries, searches)
            share, measure = live(beside, "vectors", queries, searches)
            print(f"dense: share {dense_share:.3f}, nDCG@10 {dense_measure:.4f}")
            print(f"pgvector: share {share:.3f}, nDCG@10 {measure:.4f}")
            bars.at_most(names[0], abs(share - dense_share), 0.05)
            bars.at_most(names[1], dense_measure - measure, 0.005)
            server.stop()
            failed, slowest, last = 0, 0.0, 1.0
            for number in range(50):
                start = monotonic()
                page = beside.query(queries[number % len(queries)][0], k=K, budget=BUDGET, log=False)
                slowest = max(slowest, monotonic() - start)
                failed += not page.results
                last = page.plan.draws["vectors"] / BUDGET
            bars.at_most(names[2], failed, 0)
            bars.at_most(names[3], slowest, 1.0 + DEADLINE)
            bars.at_most(names[4], last, 0.0)
            server.start()
            until, back = monotonic() + 90, 0.0
            while monotonic() < until and not back:
                page = beside.query(queries[0][0], k=K, budget=BUDGET, log=False)
                back = 0.0 if page.degraded else page.plan.draws["vectors"] / BUDGET
            bars.at_least(names[5], back, 0.01)
    finally:
        server.remove()


if __name__ == "__main__":
    run(main, __doc__ or "")
