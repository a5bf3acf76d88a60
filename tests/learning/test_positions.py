"""UBI logs as they are written in the wild: what the journal holds of them, and that `validate` says the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.core.clock import parse_time
from ltrr_cli.core.config import Settings
from ltrr_cli.feedback.format_registry import format_of, reader
from ltrr_cli.feedback.log_checks import Finding, validate
from ltrr_cli.feedback.taken import Taken
from ltrr_cli.learning.ingest import take_in, take_source
from ltrr_cli.learning.log_position import log_position, reader_of
from ltrr_cli.storage.journal import Journal
from ltrr_cli.text.lines import read_lines


def query(key: str = "Q1", at: int = 0, **more: object) -> dict:
    return {"query_id": key, "client_id": "c", "user_query": "cable", "timestamp": f"2025-01-24T07:31:{at:02d}Z"} | more


def act(
    entity_id: str, position: object = None, kind: str = "click", key: str = "Q1", at: int = 30, **more: object
) -> dict:
    attributes: dict[str, object] = {"object": {"object_id": entity_id}}
    if position is not None:
        attributes["position"] = {"ordinal": position}
    return {"action_name": kind, "query_id": key, "client_id": "c", "timestamp": f"2025-01-24T07:31:{at:02d}Z",
            "event_attributes": attributes} | more  # fmt: skip


def written(path: Path, records: list[dict]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def taken_in(folder: Path, *logs: list[dict]) -> tuple[Journal, Taken]:
    journal = Journal(folder / "journal.db")
    paths = [written(folder / f"log{n}.jsonl", records) for n, records in enumerate(logs)]
    return journal, take_in(journal, paths, Settings(), undated=False, progress=lambda *_: None)


def positions(journal: Journal) -> list[tuple[str, int | None]]:
    return [(event.entity_id, event.position) for event, _ in journal.stream()]


def page(journal: Journal, key: str = "Q1") -> list[tuple[str, int]] | None:
    found = journal.impression(key)
    return None if found is None or found.shown is None else [(line.entity_id, line.position) for line in found.shown]


def findings(path: Path) -> dict[str, Finding]:
    lines = list(read_lines(path))
    read = reader(format_of(lines, "auto", "log"))
    found = validate(lines, read, Settings().feedback, now_ms=parse_time("2025-06-01"))
    return {one.check: one for one in found}


SEEN = [act(of, at, "impression", at=1) for at, of in enumerate(["p5", "p4", "p6"])]
HITS = {"query_response_hit_ids": ["p5", "p4", "p6"]}
FROM_1 = [("p5", 1), ("p4", 2), ("p6", 3)]


@pytest.mark.parametrize(
    ("log", "shown", "acted"),
    [
        ([query(), *SEEN, act("p4", 1)], FROM_1, [("p4", 2)]),
        ([act("p4", 1), *SEEN[::-1], query()], FROM_1, [("p4", 2)]),
        ([*SEEN, act("p4", 1)], FROM_1, [("p4", 2)]),
        ([query(), act("p4", 1), act("p5", 0, at=31)], None, [("p4", 2), ("p5", 1)]),
        ([query(), act("p4", {"index": 1}), act("p5", "0", at=31)], None, [("p4", 2), ("p5", 1)]),
        ([query(), act("p4", 2), act("p5", 1, at=31)], None, [("p4", 2), ("p5", 1)]),
        ([query(**HITS), act("p4", 1), act("p5", 0, at=31)], FROM_1, [("p4", 2), ("p5", 1)]),
        ([query(**HITS), act("p4", 2), act("p5", 0, at=31)], FROM_1, [("p4", 2), ("p5", None)]),
        ([query(), query(at=1, **HITS), act("p6", 3)], FROM_1, [("p6", 3)]),
        ([query(at=1, **HITS), query(at=2, query_response_hit_ids=[]), act("p6", 3)], FROM_1, [("p6", 3)]),
        ([query(**HITS), query(at=5, query_response_hit_ids=["p7", "p4"])], [*FROM_1, ("p7", 4)], []),
        ([query(), query(at=1, user_query="", **HITS), act("p6")], FROM_1, [("p6", None)]),
    ],
)
def test_pages_and_positions_are_what_the_log_as_a_whole_says(tmp_path: Path, log, shown, acted):
    journal, taken = taken_in(tmp_path, log)
    assert page(journal) == shown
    assert positions(journal) == acted
    assert (taken.conflicts, taken.refused) == (0, 0)
    assert journal.impression("Q1").query in ("cable", "" if log[0] in SEEN else "cable")
    assert not {"conflicts", "positions", "off_page"} & set(findings(tmp_path / "log0.jsonl"))


@pytest.mark.parametrize("batch", [1, 2, 5_000])
def test_a_zero_far_down_the_log_brings_all_before_it_along(tmp_path: Path, batch, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltrr_cli.learning.ingest.BATCH", batch)
    log = [query(), SEEN[2], SEEN[1], act("p4", 1), act("p6", 2, at=31), SEEN[0], act("p5", 0, at=32)]
    journal, taken = taken_in(tmp_path, log)
    assert positions(journal) == [("p4", 2), ("p6", 3), ("p5", 1)]
    assert page(journal) == FROM_1
    assert any("count from 0" in line for line in taken.sayings())


def test_a_log_that_grows_is_brought_along_when_its_first_zero_comes(tmp_path: Path):
    journal, log = Journal(tmp_path / "journal.db"), [query(), act("p4", 1), act("p5", 0, at=31), act("p6", 2, at=32)]
    for end in (2, 3, 4):
        path, taken = written(tmp_path / "log.jsonl", log[:end]), Taken()
        place = log_position(journal, path, reader_of("auto", False), 0.0)
        take_source(journal, path, "auto", False, taken, lambda *_: None, lambda *_: None, place)
        assert taken.conflicts == 0
    assert positions(journal) == [("p4", 2), ("p5", 1), ("p6", 3)]
    whole, _ = taken_in(tmp_path / "whole", log) if (tmp_path / "whole").mkdir() is None else (None, None)
    assert positions(whole) == positions(journal)


def test_queries_and_events_may_stand_in_files_of_their_own(tmp_path: Path):
    journal, taken = taken_in(tmp_path, [query(**HITS)], [act("p4", 1), act("p5", 0, at=31)])
    assert positions(journal) == [("p4", 2), ("p5", 1)]
    assert [line.split(":")[0].endswith("log1.jsonl") for line in taken.sayings()] == [True]
    other, _ = taken_in(tmp_path, [query("Q2", **HITS)], [act("p6", 0, key="Q2", at=33), act("p4", 2, key="Q2", at=34)])
    assert positions(other)[-2:] == [("p6", 1), ("p4", 3)]  # a log of that name is known to count from 0


def test_native_logs_may_count_from_0_too(tmp_path: Path):
    search = {"event": "search", "timestamp": 1_700_000_000_000, "query": "q", "results": ["a", "b"], "clicked": ["b"]}
    click = {"event": "click", "timestamp": 1_700_000_000_001, "query": "r"}
    log = [search, click | {"entity_id": "x", "position": 3}, click | {"entity_id": "y", "position": 0}]
    journal, taken = taken_in(tmp_path, log)
    assert dict(positions(journal)) == {"b": 2, "x": 4, "y": 1}
    assert taken.refused == 0
    assert findings(tmp_path / "log0.jsonl")["from_zero"].count == 1


@pytest.mark.parametrize(
    "log",
    [
        [query(), query(at=1, **HITS), act("p6", 3), act("p6", 3)],
        [query(**HITS), query(query_response_hit_ids=["p1"]), act("p6", 3)],
        [query(**HITS), query(at=2, user_query="hammer", query_response_hit_ids=["p1"]), act("p6", 3)],
        [query(), query(user_query="hammer"), act("p6", 3, event_id="e"), act("p7", 3, event_id="e")],
        [query(), *SEEN, *SEEN, act("p4", 1), act("p4", 1, event_id="x"), act("p5", 1, event_id="x")],
        [query(**HITS), {"action_name": "login", "timestamp": 1_737_703_912_000}, act("p6", 3)],
        [query(**HITS), {"action_name": "click"}, act("p6", 3)],
    ],
)
def test_validate_counts_what_ingest_counts(tmp_path: Path, log):
    path = written(tmp_path / "log.jsonl", log)
    found, journal, taken = findings(path), Journal(tmp_path / "journal.db"), Taken()
    take_source(journal, path, "auto", False, taken, lambda *_: None, lambda *_: None, None)

    def count(check: str) -> int:
        return found[check].count if check in found else 0

    names = ("conflicts", "duplicates", "skipped")
    assert [count(name) for name in names] == [getattr(taken, name) for name in names]
    assert count("lines") == taken.refused
    refused = taken.refused > Settings().feedback.max_bad * taken.lines
    assert refused == any(one.severity == "error" for one in found.values())
    assert bool(count("parts")) == any("came into view" in line for line in taken.sayings())
