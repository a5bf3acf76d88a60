"""What is recorded is known to the next query, in every part that learns; publishing counts nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.types import Context
from ltrr_cli.engine.query import Page
from ltrr_cli.learning import live
from ltrr_cli.retrieval.memory.memory import Memory
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace


def click(workspace: Workspace, page: Page, place: int, **more: object) -> str:
    """Click a result; return its id."""
    chosen = page.results[place].id
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": chosen, **more})
    return chosen


def memory(workspace: Workspace) -> Memory:
    found = workspace.state.snapshot().strategies["memory"]
    assert isinstance(found, Memory)
    return found


def actions(workspace: Workspace, entity: str) -> float:
    """How often an entity was acted on, as trends have it."""
    snapshot = workspace.state.snapshot()
    row = np.array([snapshot.catalog.row_of(entity)], np.int32)
    return float(memory(workspace)._trend.values(row, snapshot.clock_ms)[0, -1])


def test_a_click_lifts_what_was_clicked_on_the_next_page(workspace: Workspace):
    page = workspace.query("love", k=10, explore=False)
    chosen = click(workspace, page, 6)
    again = [result.id for result in workspace.query("love", k=10, explore=False).results]
    assert again.index(chosen) < 6
    assert workspace.query("love", explore=False, log=False).results[again.index(chosen)].sources["memory"].rank == 1


def test_memory_trends_the_session_and_the_bandit_change_at_once(workspace: Workspace):
    page = workspace.query("love", k=10, session="s", explore=False)
    before = workspace.state.snapshot()
    chosen = click(workspace, page, 3)
    after = workspace.state.snapshot()
    assert memory(workspace).pairs == 1
    assert actions(workspace, chosen) == 1.0
    who = after.strategies["personal"].graph.who(Context(now_ms(), session="s"))
    assert who is not None
    assert before.strategies["personal"].graph.who(Context(now_ms(), session="s")) is None
    assert (after.history._time_ms or 0) > (before.history._time_ms or 0)  # of the page that it was taught with
    assert after.clock_ms > before.clock_ms


def test_an_event_that_names_no_page_belongs_to_the_one_its_session_saw_last(workspace: Workspace):
    page = workspace.query("love", k=5, session="s", explore=False)
    workspace.record({"event": "click", "session_id": "s", "entity_id": page.results[2].id})
    assert memory(workspace).pairs == 1  # for the query of the page: an action without one makes no pair
    workspace.record({"event": "click", "session_id": "other", "entity_id": page.results[3].id})
    assert memory(workspace).pairs == 1
    assert actions(workspace, page.results[3].id) == 1.0


def test_publishing_counts_nothing_twice_and_forgets_nothing(workspace: Workspace):
    page = workspace.query("love", k=10, explore=False)
    chosen = [click(workspace, page, place) for place in range(3)]
    workspace.close()
    assert workspace.state.current().learned > 1
    assert [actions(workspace, entity) for entity in chosen] == [1.0, 1.0, 1.0]
    click(workspace, page, 4)
    assert memory(workspace).pairs == 4
    workspace.rebuild()
    assert memory(workspace).pairs == 4
    assert ltrr_cli.open(workspace.home).status().memory_pairs == 4


def test_what_many_record_is_published_now_and_then(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live, "PUBLISHED", 5)
    page, first = workspace.query("love", k=10, explore=False), workspace.state.current().learned
    for place in range(9):
        click(workspace, page, place)
    assert workspace.state.current().learned > first
    assert (memory(workspace).pairs, workspace.status().unlearnt) == (9, 4)


def test_closing_publishes_once(workspace: Workspace):
    with ltrr_cli.open(workspace.home) as other:
        click(other, other.query("love", explore=False), 1)
    learned = workspace.state.current().learned
    assert memory(workspace).pairs == 1
    other.close()
    workspace.close()
    assert workspace.state.current().learned == learned


def test_live_counts_are_those_that_are_published(workspace: Workspace):
    pages = [workspace.query(text, k=8, user=f"u{n}", explore=False) for n, text in enumerate(("love", "calm", "rain"))]
    for number in range(30):
        click(workspace, pages[number % 3], number % 8, timestamp=now_ms() + number)
    known = {song.id: actions(workspace, song.id) for song in SONGS}
    pairs = memory(workspace).pairs
    workspace.close()
    assert {song.id: actions(workspace, song.id) for song in SONGS} == known
    assert memory(workspace).pairs == pairs
    assert sum(known.values()) > 20


def test_what_another_process_journalled_is_learnt_with_the_next_event(workspace: Workspace):
    page = workspace.query("love", k=5, explore=False)
    other = ltrr_cli.open(workspace.home)
    click(other, page, 2)
    click(workspace, page, 3)
    assert memory(workspace).pairs == 2


def test_people_of_whom_something_is_said_are_met_at_once(workspace: Workspace):
    workspace.query("love", explore=False)
    workspace.record({"event": "user", "user_id": "ann", "attributes": {"genre": "jazz"}})
    personal = workspace.state.snapshot().strategies["personal"]
    assert personal.said(Context(now_ms(), "ann")) == ("jazz",)


def test_threads_ask_while_others_record(workspace: Workspace):
    pages = [workspace.query(text, k=8, explore=False) for text in ("love", "calm", "rain", "road")]

    def record(page: Page) -> int:
        for place in range(8):
            click(workspace, page, place)
        return 8

    def ask(number: int) -> int:
        return sum(len(workspace.query(f"love {number}", k=5, user=f"u{number}").results) for _ in range(8))

    with ThreadPoolExecutor(8) as threads:
        recorded = threads.map(record, pages)
        asked = threads.map(ask, range(4))
        assert (sum(recorded), list(asked)) == (32, [40] * 4)
    assert memory(workspace).pairs == 32


def test_a_kill_loses_no_event_that_was_acknowledged(workspace: Workspace):
    code = """
import sys, ltrr_cli

workspace = ltrr_cli.open(sys.argv[1])
page = workspace.query("love", k=10, explore=False)
for number in range(10_000):
    event = {"event": "click", "event_id": f"k{number}", "impression_id": page.impression_id}
    workspace.record({**event, "entity_id": page.results[number % 10].id})
    print(f"k{number}", flush=True)
"""
    child = subprocess.Popen([sys.executable, "-c", code, str(workspace.home)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline().strip() for _ in range(25)]
    os.kill(child.pid, signal.SIGKILL)
    told += child.stdout.read().split()
    child.wait()
    child.stdout.close()
    kept = {event.event_id for event, _ in workspace.state.journal.stream()}
    assert set(told[:-1]) <= kept
    workspace.rebuild()
    assert memory(workspace).pairs == 10


@pytest.mark.parametrize("opened", [True, False])
def test_whether_anybody_asked_before_makes_no_difference(workspace: Workspace, opened: bool):
    if opened:
        workspace.query("love", log=False)
    workspace.record({"event": "play", "user_id": "ann", "entity_id": SONGS[7].id})
    assert actions(workspace, SONGS[7].id) == 1.0
    assert (workspace.status().events, workspace.status().unlearnt) == (1, 1)
    workspace.close()
    assert (workspace.status().events, workspace.status().unlearnt) == (1, 0)
