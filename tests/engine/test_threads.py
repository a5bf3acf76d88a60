"""An open workspace is asked by many threads at once, and nobody notices the others."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context
from ltrr_cli.engine.query import Page
from ltrr_cli.engine.retrieve import look_many, retrieve
from ltrr_cli.engine.search import answer
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0
from tests.small_workspace import searches, write_log
from tests.turns import TURN

THREADS, QUERIES = 8, 200 // (1 if TURN % 7 == 3 else 4)  # the whole number once a week
WORDS = ("love", "river", "night", "road", "sumer", "rain", "gold", "calm", "loud", "album", "track", "please", "")


def asked(thread: int) -> list[str]:
    """Different queries for every thread: names, moods, typos, known queries and nothing at all."""
    chance = generator("threads", thread)
    known = sorted({line["query"] for line in searches()})
    texts = []
    for number in range(QUERIES):
        words = [WORDS[place] for place in chance.integers(0, len(WORDS), 3).tolist()]
        texts.append(known[number % len(known)] if number % 5 == 0 else " ".join(words) + f" {thread}{number}")
    return texts


def told(page: Page) -> tuple[object, ...]:
    """All of a page but the time that it took, and the name under which it was journalled."""
    return page.query, page.reading, page.plan, page.results, page.ranker, page.candidates


@pytest.fixture(scope="module")
def lived(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small workspace, with a ranker that was trained and serves."""
    folder = tmp_path_factory.mktemp("lived")
    shutil.copytree(indexed, folder / "home")
    workspace = Workspace(folder / "home")
    workspace.ingest([write_log(folder / "log.jsonl", searches(160))])
    workspace.train(algorithm="linear")
    workspace.promote("ranker-1")
    return workspace


@pytest.mark.turns(6)
def test_eight_threads_get_the_pages_that_one_thread_gets(lived: Workspace):
    systems = list(product(("hazard", "thompson"), ("ranker-1", "fusion")))

    def ask(thread: int) -> list[tuple[object, ...]]:
        found = []
        for number, text in enumerate(asked(thread)):
            policy, ranker = systems[(thread + number) % len(systems)]
            page = lived.query(text, policy=policy, ranker=ranker, seed=number, user=f"u{number % 60}", log=False)
            found.append(told(page))
        return found

    alone = [ask(thread) for thread in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        together = list(threads.map(ask, range(THREADS)))
    assert {page[4] for pages in alone for page in pages} == {"linear", "fusion"}
    for one, other in zip(alone, together, strict=True):
        assert one == other


def test_threads_journal_their_impressions(workspace: Workspace):
    before = workspace.status().impressions

    def ask(thread: int) -> list[str | None]:
        return [workspace.query(f"{WORDS[number]} {thread}", seed=number).impression_id for number in range(5)]

    with ThreadPoolExecutor(THREADS) as threads:
        ids = [name for names in threads.map(ask, range(THREADS)) for name in names]
    assert workspace.status().impressions == before + len(set(ids)) == before + 5 * THREADS
    assert all(workspace.explain(str(name)).page for name in ids[:3])


@pytest.mark.turns(4)
def test_many_requests_looked_at_together_bring_what_they_bring_alone(lived: Workspace):
    snapshot = lived.state.snapshot()
    names, texts = snapshot.enabled(), asked(0)[:40]

    def requests() -> list:
        return [snapshot.request(text, Context(DAY_0), seed) for seed, text in enumerate(texts)]

    together = requests()
    look_many(snapshot, together)
    for one, other in zip(together, requests(), strict=True):
        for mine, theirs in zip(retrieve(snapshot, one, names, 60), retrieve(snapshot, other, names, 60), strict=True):
            assert mine.rows.tolist() == theirs.rows.tolist()
            assert mine.scores.tolist() == theirs.scores.tolist()


def test_a_ranker_for_one_question_leaves_the_serving_one_alone(lived: Workspace):
    snapshot = lived.state.snapshot()
    assert snapshot.ranker is not None
    context = Context(snapshot.clock_ms)

    def page(**how: object) -> list[int]:
        found = answer(snapshot, "slangworda please", context, k=20, budget=60, explore=False, **how)
        return found.candidates.rows[found.page].tolist()

    serving, fused = page(), page(ranker=None)
    assert serving != fused
    assert page(ranker=snapshot.ranker) == serving == page()
