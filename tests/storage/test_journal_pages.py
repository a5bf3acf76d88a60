"""Several records of one page in the journal: put together in any order, forgotten one by one."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path

import pytest

from ltrr_cli.core.clock import DAY
from ltrr_cli.core.types import Event, Impression, Shown
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.journal_schema import Forget


def page(time_ms: int, hits: str | None = None, key: str = "q1", **more: object) -> Impression:
    shown = None if hits is None else tuple(Shown(of, at) for at, of in enumerate(hits, 1))
    return Impression(key, time_ms, "cable", **{"origin": "imported", "user": "u", "shown": shown} | more)


def part(entity_id: str, position: int, key: str = "q1") -> Impression:
    return Impression(key, 9, "", "imported", shown=(Shown(entity_id, position),), part=True)


RECORDS = (page(1), page(3, "ab"), page(5, "cb"), part("z", 4))


def told(journal: Journal, key: str = "q1") -> str | None:
    found = journal.impression(key)
    if found is None or found.shown is None:
        return None
    return "".join(line.entity_id for line in found.shown)


@pytest.mark.parametrize("order", list(permutations(RECORDS))[::3])
@pytest.mark.parametrize("at_once", [True, False])
def test_records_make_the_same_page_in_any_order_and_in_any_batches(tmp_path: Path, order, at_once):
    journal = Journal(tmp_path / "journal.db")
    for batch in [order] if at_once else [[one] for one in order]:
        assert journal.ingest(batch, []).conflicts == 0
    found = journal.impression("q1")
    assert (found.time_ms, found.query, found.user, told(journal)) == (1, "cable", "u", "abc")
    assert journal.counts().impressions == 1
    assert [one.impression_id for one in journal.impressions()] == ["q1"]


def test_the_same_records_again_change_nothing(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    for _ in range(3):
        assert journal.ingest(RECORDS, []).conflicts == 0
    assert told(journal) == "abc"


def test_parts_alone_are_a_page_and_the_query_may_come_later(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([part("b", 2), part("a", 1)], [])
    assert (told(journal), journal.impression("q1").query) == ("ab", "")
    journal.ingest([page(1)], [])
    assert (told(journal), journal.impression("q1").query) == ("ab", "cable")


def test_what_contradicts_is_set_aside_and_counted(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    done = journal.ingest([page(3, "ab"), page(3, "ba"), page(3, "ab")], [Event("e", "click", 1, "a")])
    assert (done.accepted, done.conflicts) == (1, 1)
    assert told(journal) == "ab"


def test_what_was_served_here_is_known_exactly(tmp_path: Path):
    live = Impression("q1", 2, "cable", "live", shown=(Shown("s", 1, odds=0.5),))
    for number, order in enumerate(permutations([live, page(1), page(3, "ab"), part("z", 1)])):
        journal = Journal(tmp_path / f"{number}.db")
        for one in order:
            assert journal.ingest([one], []).conflicts == 0
        found = journal.impression("q1")
        assert (found.origin, found.shown) == ("live", live.shown)
        assert journal.ingest([live], []).conflicts == 0
        assert journal.ingest([Impression("q1", 2, "cable", "live", shown=())], []).conflicts == 1


def test_many_pages_are_taken_in_whatever_stands_between_their_records(tmp_path: Path):
    told_of = ((1, None), (2, "ab"), (3, "c"))
    records = [page(time_ms, hits, f"q{n}") for n in range(50) for time_ms, hits in told_of]
    random.Random(2).shuffle(records)
    journal = Journal(tmp_path / "journal.db")
    for start in range(0, len(records), 7):
        journal.ingest(records[start : start + 7], [])
    assert {told(journal, f"q{n}") for n in range(50)} == {"abc"}
    assert len(list(journal.impressions())) == 50


def test_a_source_that_is_forgotten_takes_its_records_along(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([page(1), page(3, "ab")], [], source="queries.jsonl")
    journal.ingest([page(5, "cb")], [], source="more.jsonl")
    assert told(journal) == "abc"
    assert journal.forget(Forget(source="more.jsonl")).impressions == 0
    assert told(journal) == "ab"
    assert journal.forget(Forget(source="queries.jsonl")).impressions == 1
    assert journal.impression("q1") is None


def test_a_person_who_is_forgotten_leaves_no_record(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([*RECORDS, page(1, "ab", "q2"), page(1, "ab", "q3", user="v")], [])
    assert journal.forget(Forget(user="u")).impressions == 2
    assert [one.impression_id for one in journal.impressions()] == ["q3"]
    journal.ingest([page(1)], [])
    assert told(journal) is None


def test_what_is_too_old_leaves_with_all_of_its_records(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([*RECORDS, page(2 * DAY, "xy", "q2")], [Event("e", "click", 2 * DAY, "x")])
    journal.expire(DAY, 10 * DAY)
    assert [one.impression_id for one in journal.impressions()] == ["q2"]
    journal.ingest([part("a", 1)], [])
    assert told(journal) == "a"


def test_positions_that_began_at_0_are_raised_in_events_and_parts(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.ingest([], [Event("old", "click", 1, "x", position=1)], source="log")
    since = journal.newest_event()
    journal.ingest([part("b", 1), page(1, "xy", "q2")], [Event("e", "click", 1, "x", position=1)], source="log")
    journal.ingest([], [Event("other", "click", 1, "x", position=1)], source="another")
    journal.count_from_one("log", since)
    assert {event.event_id: event.position for event, _ in journal.stream()} == {"old": 1, "e": 2, "other": 1}
    assert journal.impression("q1").shown == (Shown("b", 2),)
    assert journal.impression("q2").shown == page(1, "xy").shown
    assert journal.counts_from_zero("log")
    assert not journal.counts_from_zero("another")
