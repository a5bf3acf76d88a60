"""Training reads searches as they were answered; it walks through the past only for what nobody has kept."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from ltrr_cli.core.clock import DAY, MINUTE, iso, now_ms
from ltrr_cli.core.progress import quiet
from ltrr_cli.learning import checkpoint, past_searches, publish
from ltrr_cli.learning.fold import Fold
from ltrr_cli.learning.train import Labelled
from ltrr_cli.storage.journal_frozen import SERVED, FrozenRow
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS
from tests.small_workspace import searches

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace

Log = Callable[[list[dict]], Path]


def labelled(workspace: Workspace) -> Labelled:
    return past_searches.past_searches(workspace.state, workspace.state.snapshot(), quiet)


def same(one: Labelled, other: Labelled) -> bool:
    names = ("features", "labels", "groups", "baseline")
    arrays = all(
        np.array_equal(getattr(one.examples, name), getattr(other.examples, name), equal_nan=True) for name in names
    )
    return arrays and one.queries == other.queries and one.entities == other.entities


def no_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("walked through the past")

    monkeypatch.setattr(past_searches, "observe", refuse)


def clicked(workspace: Workspace, count: int) -> list[dict]:
    """Search, and click each time on what stands third."""
    lines = []
    for number in range(count):
        page = workspace.query(f"song {number % 7}", k=10, user=f"u{number % 5}")
        lines.append({"event": "click", "timestamp": iso(now_ms() + MINUTE), "impression_id": page.impression_id,
                      "entity_id": page.results[2].id})  # fmt: skip
    return lines


def test_a_second_training_walks_through_nothing(workspace: Workspace, log: Log, monkeypatch: pytest.MonkeyPatch):
    workspace.ingest([log(searches(120))])
    first = labelled(workspace)
    assert len(first.queries) > 50
    no_walk(monkeypatch)
    assert same(first, labelled(workspace))


def test_served_searches_are_read_as_they_were_served(workspace: Workspace, log: Log, monkeypatch: pytest.MonkeyPatch):
    lines = clicked(workspace, 12)
    asked = {row.impression_id for row in workspace.state.journal.frozen()}
    workspace.ingest([log(lines)])
    no_walk(monkeypatch)
    found = labelled(workspace)
    assert len(asked) == 12
    assert len(found.queries) == 9  # the first quarter knew nothing
    column = found.schema.names.index("memory.own_count")
    assert (np.nan_to_num(found.examples.features[:, column]) == 0).all()  # nothing was known when they were answered
    best = [found.entities[at] for at in np.flatnonzero(found.examples.labels > 0)]
    assert best == [line["entity_id"] for line in lines[3:]]


def test_what_comes_late_is_walked_to_again_from_there(workspace: Workspace, log: Log):
    workspace.ingest([log(searches(120))])
    before = labelled(workspace)
    late = {"event": "click", "timestamp": iso(DAY_0 + 80 * MINUTE), "query": "slangworda please", "user_id": "late",
            "entity_id": SONGS[3].id}  # fmt: skip
    workspace.ingest([log([late])])
    after = labelled(workspace)
    workspace.state.journal.thaw()
    assert same(after, labelled(workspace))
    assert not same(before, after)


def test_going_on_from_a_checkpoint_gives_what_starting_over_gives(
    workspace: Workspace, log: Log, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(checkpoint, "FEWEST", 40)
    workspace.ingest([log(searches(200))])
    monkeypatch.setattr(past_searches, "_newest", lambda journal, _: {
        one.impression_id: one for one in journal.newest_impressions(20)
    })  # fmt: skip
    gone_on = labelled(workspace)
    workspace.state.journal.thaw()
    monkeypatch.setattr(checkpoint, "furthest", lambda *_: None)
    assert same(gone_on, labelled(workspace))


def test_no_more_are_kept_than_a_training_looks_at(workspace: Workspace):
    for number in range(5):
        workspace.query(f"song {number}")
    journal = workspace.state.journal
    rows = list(journal.frozen())
    journal.freeze((FrozenRow("new", SERVED, b""),), 3)
    assert [row.impression_id for row in journal.frozen()] == [rows[3].impression_id, rows[4].impression_id, "new"]


def test_keeping_a_search_again_pushes_out_no_other(workspace: Workspace):
    for number in range(5):
        workspace.query(f"song {number}")
    journal = workspace.state.journal
    rows = list(journal.frozen())
    for _ in range(4):
        journal.freeze(rows[3:], 5)
    assert [row.impression_id for row in journal.frozen()] == [row.impression_id for row in rows]


@pytest.mark.parametrize("damage", ["bytes", "message", "sizes", "made_by"])
def test_a_damaged_row_is_answered_anew(workspace: Workspace, log: Log, damage: str):
    workspace.ingest([log(searches(120))])
    first, journal = labelled(workspace), workspace.state.journal
    row = list(journal.frozen())[5]
    held = msgspec.msgpack.decode(zlib.decompress(row.search))
    damaged = {
        "bytes": replace(row, search=row.search[:-9]),
        "message": replace(row, search=zlib.compress(b"\xc1")),
        "sizes": replace(row, search=zlib.compress(msgspec.msgpack.encode([held[0], held[1][:-1], *held[2:]]))),
        "made_by": replace(row, made_by="{"),
    }[damage]
    journal.freeze([damaged], 10_000)
    assert same(first, labelled(workspace))
    assert {one.impression_id: one for one in journal.frozen()}[row.impression_id] == row


def test_a_forgotten_search_is_kept_nowhere(workspace: Workspace):
    workspace.query("song 1", user="gone")
    workspace.query("song 1", user="stays")
    workspace.forget(user="gone")
    assert len(list(workspace.state.journal.frozen())) == 1


def test_placing_a_ranker_folds_nothing(workspace: Workspace, log: Log, monkeypatch: pytest.MonkeyPatch):
    workspace.ingest([log(searches(300))])
    before = learned_digest(workspace.state, workspace.state.current())
    monkeypatch.setattr(Fold, "run", lambda *_: pytest.fail("folded"))
    report = workspace.train()
    assert report.model is not None
    workspace.promote(report.model)
    assert learned_digest(workspace.state, workspace.state.current()) == before
    assert workspace.query("slangworda please").ranker != "fusion"
    assert workspace.verify().ok
    monkeypatch.undo()
    workspace.ingest([log(searches(10, start=DAY_0 + DAY))])  # and learning goes on from there
    assert workspace.query("slangworda please").ranker != "fusion"
    assert publish.kept(workspace.state)["learned"]
