"""Every event once, in the order of time, whoever wrote it and however often."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import Event, Impression, Plan, Shown
from ltrr_cli.storage.journal import Journal


def event(number: int, time_ms: int | None = None, **more: object) -> Event:
    return Event(f"e{number}", "click", time_ms, f"x{number}", **more)


PAGE = Impression(
    "i1", 5, "love", "live", "u", "s", {"device": "phone"}, Plan("hazard", {"lexical": 3}, 0.2),
    (Shown("a", 1, 0.5, 0.2, 0.4, {"lexical": 1}), Shown("b", 2)),
    "schema", np.array([[1, np.nan], [2, 3]], np.float32), "situation-1", np.array([1, 0.5], np.float32),
)  # fmt: skip


def test_an_impression_comes_back_whole(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.append_impression(PAGE)
    found = Journal(tmp_path / "journal.db").impression("i1")
    assert found is not None
    assert (found.plan, found.shown, found.context) == (PAGE.plan, PAGE.shown, PAGE.context)
    np.testing.assert_array_equal(found.features, PAGE.features)
    np.testing.assert_array_equal(found.bandit_context, PAGE.bandit_context)
    assert journal.impression("other") is None


def test_the_same_events_again_change_nothing(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    events = [event(number, number) for number in range(10)]
    assert journal.ingest([PAGE], events).accepted == 10
    digest = journal.digest()
    again = journal.ingest([PAGE], events)
    assert (again.accepted, again.duplicates, again.conflicts) == (0, 10, 0)
    assert journal.digest() == digest
    assert journal.counts().impressions == 1


def test_the_same_id_with_other_content_is_a_conflict(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([], [event(1, 1)])
    done = journal.ingest([], [event(1, 2), event(2, 2)])
    assert (done.accepted, done.duplicates, done.conflicts) == (1, 0, 1)
    assert [found.time_ms for found, _ in journal.stream()] == [1, 2]


def test_order_of_arrival_does_not_matter(tmp_path: Path):
    events = [event(number, number % 7) for number in range(50)]
    shuffled = events[:]
    random.Random(1).shuffle(shuffled)
    first, second = Journal(tmp_path / "a.db"), Journal(tmp_path / "b.db")
    first.ingest([], events)
    for start in range(0, 50, 9):
        second.ingest([], shuffled[start : start + 9])
    assert first.digest() == second.digest()
    assert list(first.stream()) == list(second.stream())


def test_the_stream_is_in_time_order_undated_first_with_pages(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([PAGE], [event(1, 9), event(2, 3, impression_id="i1"), event(4), event(3)])
    stream = list(journal.stream())
    assert [found.event_id for found, _ in stream] == ["e4", "e3", "e2", "e1"]
    assert [None if page is None else page.query for _, page in stream] == [None, None, "love", None]
    assert [found.event_id for found in journal.events_of("i1")] == ["e2"]


def test_a_person_s_entities_are_found(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([], [event(1, 1, user="u"), event(2, 1, user="v"), event(3, 1)])
    assert {event.entity_id for event in journal.events_by("u")} == {"x1"}


def test_a_file_that_is_no_journal_says_so(tmp_path: Path):
    (tmp_path / "journal.db").write_bytes(b"nonsense" * 200)
    with pytest.raises(DamagedError, match="journal.db"):
        Journal(tmp_path / "journal.db")


@pytest.mark.turns(4)
def test_four_processes_append_at_once(tmp_path: Path):
    code = (
        "import sys, pathlib; from ltrr_cli.core.types import Event; from ltrr_cli.storage.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1]))\n"
        "for n in range(50): journal.ingest([], [Event(f'{sys.argv[2]}-{n}', 'click', n, 'x')])"
    )
    path = tmp_path / "journal.db"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(who)]) for who in range(4)]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    assert Journal(path).counts().events == 200


@pytest.mark.turns(4)
def test_eight_processes_create_it_at_once(tmp_path: Path):
    code = (
        "import sys, pathlib, time; from ltrr_cli.storage.journal import Journal\n"
        "time.sleep(max(0.0, float(sys.argv[2]) - time.time()))\n"
        "Journal(pathlib.Path(sys.argv[1]))"
    )
    for attempt in range(3):
        path, start = tmp_path / f"{attempt}.db", str(time.time() + 0.5)
        makers = [subprocess.Popen([sys.executable, "-c", code, str(path), start]) for _ in range(8)]
        assert [maker.wait() for maker in makers] == [0] * 8
        assert Journal(path).counts().events == 0


def test_an_acknowledged_event_survives_the_death_of_its_writer(tmp_path: Path):
    code = (
        "import os, sys, pathlib; from ltrr_cli.core.types import Event; from ltrr_cli.storage.journal import Journal\n"
        "journal = Journal(pathlib.Path(sys.argv[1])); journal.ingest([], [Event('e', 'click', 1, 'x')])\n"
        "os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "journal.db"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert Journal(path).counts().events == 1
    assert Journal(path).check() == []


def test_a_seed_that_no_column_holds_is_left_out(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    for seed, kept in ((7, 7), (2**70, None)):
        journal.append_impression(Impression(f"seed {seed}", 1, "love", "live", seed=seed, page_odds=0.5))
        found = journal.impression(f"seed {seed}")
        assert found is not None
        assert (found.seed, found.page_odds) == (kept, 0.5)


def test_a_journal_in_a_folder_that_is_read_only_is_read(tmp_path: Path):
    path = tmp_path / "journal.db"
    journal = Journal(path)
    journal.ingest([PAGE], [event(1, 1, user="u")])
    journal.close()
    before = sorted(tmp_path.iterdir())
    found = Journal(path, writable=False)
    assert (found.counts().events, [one.impression_id for one in found.impressions()]) == (1, ["i1"])
    assert found.check() == []
    with pytest.raises(DamagedError, match="readonly"):
        found.ingest([], [event(2, 2)])
    assert sorted(tmp_path.iterdir()) == before


def test_where_there_is_no_journal_and_none_can_be_made_it_is_empty(tmp_path: Path):
    found = Journal(tmp_path / "journal.db", writable=False)
    assert (found.counts().events, found.kinds(), found.events_by("u")) == (0, [], [])
    assert list(tmp_path.iterdir()) == []


def test_an_older_journal_that_cannot_be_brought_up_says_so(tmp_path: Path):
    path = tmp_path / "journal.db"
    Journal(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(DamagedError, match="format 2 is older than") as caught:
        Journal(path, writable=False)
    assert "written to" in (caught.value.hint or "")
