"""A snapshot learns while it answers: whoever asks sees all of a change or nothing, and waits for nobody."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from time import monotonic, sleep

import pytest

from ltrr_cli.core.types import Profile
from ltrr_cli.engine import live_snapshot
from ltrr_cli.engine.live_snapshot import LiveSnapshot, SnapshotUpdate
from ltrr_cli.engine.snapshot import Snapshot
from ltrr_cli.workspace.workspace import Workspace


@pytest.fixture
def live(workspace: Workspace) -> LiveSnapshot:
    """A snapshot whose updates are names, of which it keeps each twice: half an update would be an odd number."""
    state = workspace.state

    def opened() -> Snapshot:
        snapshot = state.open_snapshot(state.current())
        snapshot.warnings = []
        return snapshot

    return LiveSnapshot(opened(), opened, keep)


def keep(snapshot: Snapshot, updates: Sequence[SnapshotUpdate]) -> None:
    for update in updates:
        for profile in update.people:
            snapshot.warnings.append(profile.user)
            sleep(0.0005)
            snapshot.warnings.append(profile.user)


def told(text: str) -> SnapshotUpdate:
    return SnapshotUpdate(people=(Profile(text, {}, None),))


def test_what_was_handed_out_stays_as_it_is(live: LiveSnapshot):
    before = live.view()
    assert live.learn(told("one"))
    between = live.view()
    assert (before.warnings, between.warnings) == ([], ["one"] * 2)
    del before
    live.learn(told("two"))
    assert between.warnings == ["one"] * 2
    assert live.view().warnings == ["one"] * 2 + ["two"] * 2


def test_both_copies_take_in_every_change_once_and_in_order(live: LiveSnapshot):
    for number in range(7):
        live.learn(told(str(number)))
        assert live.view().warnings == [str(each) for each in range(number + 1) for _ in range(2)]


def test_whoever_keeps_a_copy_holds_up_nobody_for_long(live: LiveSnapshot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(live_snapshot, "PATIENCE", 0.05)
    live.learn(told("a"))
    kept = live.view()
    for text in "bcd":
        live.learn(told(text))
    assert kept.warnings == ["a", "a"]
    assert live.view().warnings == [each for each in "abcd" for _ in range(2)]


def test_asking_does_not_wait_for_a_lesson(live: LiveSnapshot, monkeypatch: pytest.MonkeyPatch):
    learning, go_on = Event(), Event()

    def slow(snapshot: Snapshot, updates: Sequence[SnapshotUpdate]) -> None:
        learning.set()
        assert go_on.wait(10)

    monkeypatch.setattr(live, "_take", slow)
    thread = Thread(target=live.learn, args=(told("a"),))
    thread.start()
    assert learning.wait(10)
    start = monotonic()
    live.view()
    assert monotonic() - start < 1.0
    go_on.set()
    thread.join()


def test_many_threads_see_all_of_a_change_or_nothing_and_never_less_than_before(live: LiveSnapshot):
    done = Event()

    def ask(_: int) -> int:
        seen, looks = 0, 0
        while not done.is_set():
            view = live.view()
            first = len(view.warnings)
            sleep(0.0002)
            assert first == len(view.warnings)
            assert first % 2 == 0
            assert first >= seen
            seen, looks = first, looks + 1
        return looks

    with ThreadPoolExecutor(8) as threads:
        asking = [threads.submit(ask, number) for number in range(6)]
        changing = [threads.submit(live.learn, told(str(number))) for number in range(100)]
        assert all(one.result() for one in changing)
        done.set()
        assert all(one.result() > 10 for one in asking)
    assert len(live.view().warnings) == 200


def test_what_was_prepared_answers_and_learns_in_turns(workspace: Workspace):
    state, opened = workspace.state, list[Snapshot]()

    def again() -> Snapshot:
        opened.append(state.open_snapshot(state.current()))
        opened[-1].warnings = []
        return opened[-1]

    live = LiveSnapshot(again(), again, keep)
    live.prepare()
    for number in range(5):
        live.learn(told(str(number)))
        assert live.view().warnings == [str(each) for each in range(number + 1) for _ in range(2)]
    assert len(opened) == 2


def test_where_newer_generations_are_published_nothing_is_changed(workspace: Workspace):
    live = LiveSnapshot(workspace.state.snapshot(), lambda: None)
    assert not live.learn(told("one"))
    assert live.view() is workspace.state.snapshot()


def test_what_serves_on_while_a_newer_one_is_opened_learns_in_place_once_nobody_asks_it(workspace: Workspace):
    opened = workspace.state.open_snapshot(workspace.state.current())
    opened.warnings = []
    live = LiveSnapshot(opened, lambda: None, keep)
    live.prepare()
    asking = live.view()
    assert not live.learn(told("one")), "who asks must not see half of it"
    assert asking.warnings == []
    del asking
    assert live.learn(told("one"))
    assert live.learn(told("two"))
    assert live.view().warnings == ["one"] * 2 + ["two"] * 2
