"""Logs that are hostile, damaged, repeated, cut up or shuffled: a reason for every line, every event once."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from ltrr_cli.core.errors import DataError
from ltrr_cli.learning import ingest as ingestion
from ltrr_cli.learning.records import Busy
from ltrr_cli.storage.journal import Journal
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace

GOOD = b'{"event":"click","timestamp":"2024-05-01","entity_id":"song:001","event_id":"good-%d","query":"love"}'

HOSTILE = {
    "NaN": (b'{"event":"click","value":NaN}', "not JSON"),
    "Infinity": (b'{"event":"click","value":Infinity}', "not JSON"),
    "1e999": (b'{"event":"click","value":1e999}', "out of range"),
    "a repeated key": (b'{"event":"click","event":"skip"}', "stands twice"),
    "a byte order mark in the middle": (b'\xef\xbb\xbf{"event":"click"}', "not JSON"),
    "a NUL": (b'{"event":"cl\0ick"}', "not JSON"),
    "an escaped NUL in an id": (rb'{"event":"click","timestamp":0,"entity_id":"a\u0000b"}', "NUL"),
    "a lone surrogate": (rb'{"event":"click","entity_id":"\ud800"}', "surrogate"),
    "an integer of 4,301 digits": (b'{"event":"click","value":' + b"9" * 4301 + b"}", "out of range"),
    "lists of depth 200,000": (b"[" * 200_000 + b"]" * 200_000, "deep"),
    "objects of depth 200,000": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, "deep"),
    "a line of 50 MB": (b'{"event":"click","query":"' + b"x" * 50_000_000 + b'"}', "longer than"),
    "a line of five million lists": (b"[" + b"[]," * 4_999_999 + b"[]]", "longer than"),
    "invalid UTF-8": (b'{"event":"caf\xe9"}', "UTF-8"),
    "a moment before the year 1": (
        b'{"event":"click","timestamp":"0001-01-01T00:00:00+14:00","entity_id":"a"}',
        "out of range",
    ),
}  # fmt: skip


def quarantined(workspace: Workspace) -> list[dict]:
    return [json.loads(line) for line in (workspace.home / "quarantine" / "feedback.jsonl").read_bytes().splitlines()]


def journal_of(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


def test_every_hostile_line_is_set_aside_with_its_reason_and_all_others_are_taken(workspace: Workspace, tmp_path: Path):
    lines = []
    for number, (line, _) in enumerate(HOSTILE.values()):
        lines += [GOOD % number, line]
    log = tmp_path / "hostile.jsonl"
    log.write_bytes(b"\n".join(lines) + b"\n")
    report = workspace.ingest([log], max_bad=0.5)
    assert (report.accepted, report.quarantined) == (len(HOSTILE), len(HOSTILE))
    for number, (found, name) in enumerate(zip(quarantined(workspace), HOSTILE, strict=True), 1):
        assert found["line"] == 2 * number, name
        assert HOSTILE[name][1] in found["reason"], name
        assert len(found["data"]) <= 10_000, name
    assert workspace.verify().ok


@pytest.mark.parametrize("name", ["a line of 50 MB", "a line of five million lists"])
def test_a_hostile_line_is_read_in_little_memory(workspace: Workspace, tmp_path: Path, name: str):
    log = tmp_path / "hostile.jsonl"
    log.write_bytes(GOOD % 1 + b"\n" + HOSTILE[name][0] + b"\n")
    journal = journal_of(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="1 of 2 lines are bad"):
            ingestion.take_in(journal, [log], workspace.settings, undated=False, progress=lambda *_: None)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()
    assert journal.counts().events == 0


def test_what_is_only_unusual_is_taken_in(workspace: Workspace, tmp_path: Path):
    log = tmp_path / "unusual.jsonl"
    separated = '{"event":"click","timestamp":0,"entity_id":"a","query":"one\u2028two\x85three"}'.encode()
    log.write_bytes(b"\xef\xbb\xbf" + GOOD % 1 + b"\r\n\r\n" + separated + b"\r\n" + GOOD % 2)
    report = workspace.ingest([log])
    assert (report.accepted, report.quarantined) == (3, 0)


def test_memory_does_not_grow_with_the_log(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingestion, "BATCH", 500)

    def peak(count: int) -> int:
        log = tmp_path / f"{count}.jsonl"
        log.write_bytes(b"".join(GOOD % number + b"\n" for number in range(count)))
        journal = Journal(tmp_path / f"{count}.db")
        tracemalloc.start()
        try:
            ingestion.take_in(journal, [log], workspace.settings, undated=False, progress=lambda *_: None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    once = peak(6 * ingestion.BATCH)
    assert peak(20 * ingestion.BATCH) < 1.2 * once


def test_too_many_bad_lines_take_back_batches_that_were_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingestion, "BATCH", 2)
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(GOOD % number + b"\n" for number in range(9)) + b"bad\n")
    before = workspace.status()
    with pytest.raises(DataError, match="1 of 10 lines are bad .*nothing was taken in"):
        workspace.ingest([log])
    assert workspace.status().journal_digest == before.journal_digest
    assert len(quarantined(workspace)) == 1
    assert workspace.ingest([log], max_bad=0.1).accepted == 9


def test_a_dry_run_counts_exactly_and_changes_nothing(workspace: Workspace, tmp_path: Path):
    log = tmp_path / "log.jsonl"
    log.write_bytes(GOOD % 1 + b"\n" + GOOD % 1 + b"\nbad\n")
    before = workspace.status()
    report = workspace.ingest([log], dry_run=True, max_bad=0.5)
    assert (report.accepted, report.duplicates, report.quarantined, report.learned) == (1, 1, 1, None)
    assert workspace.status() == before
    assert not (workspace.home / "quarantine").exists()


def test_lines_that_are_no_feedback_are_counted(workspace: Workspace, tmp_path: Path):
    log = tmp_path / "metarank.jsonl"
    item = {"event": "item", "id": "1", "timestamp": "1599391467000", "item": "song:001", "fields": []}
    log.write_text(json.dumps(item) + "\n")
    report = workspace.ingest([log], format="metarank")
    assert (report.accepted, report.skipped) == (0, 1)


def test_who_acts_abnormally_often_is_named_and_counts_little(workspace: Workspace, tmp_path: Path):
    click = {"event": "click", "timestamp": "2024-05-01", "entity_id": "song:001", "query": "love"}
    lines = [{**click, "user_id": "robot", "event_id": f"r{n}"} for n in range(80)]
    lines += [{**click, "user_id": f"u{n}", "event_id": f"h{n}"} for n in range(5)]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = workspace.ingest([log])
    assert report.suspects == (Busy("user", "robot", "2024-05-01", 80, 1.0),)


def test_types_of_events_are_counted_with_what_they_are_worth(workspace: Workspace, tmp_path: Path):
    kinds = {"click": 3, "impression": 5, "remove_from_cart": 1, "wobble": 2}
    lines = [{"event": kind, "timestamp": "2024-05-01", "entity_id": "song:001", "event_id": f"{kind}{n}"}
             for kind, count in kinds.items() for n in range(count)]  # fmt: skip
    lines += [{**lines[0], "event": "stars", "event_id": f"s{n}", "value": n} for n in (2, 4)]
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = workspace.ingest([log], dry_run=True).types
    assert {kind: one.count for kind, one in found.items()} == kinds | {"stars": 2}
    assert {kind: (one.event_class, one.reward) for kind, one in found.items()} == {
        "click": ("choice", 1.0),
        "impression": ("exposure", 0.0),
        "remove_from_cart": ("against", -0.5),
        "wobble": ("unknown", 0.0),
        "stars": ("rating", 1.0),
    }
    assert (found["stars"].scale, found["click"].scale) == ((1.0, 5.0), None)


# ---------------------------------------------------------------- exactly once

LOG = [json.dumps(line).encode() + b"\n" for line in searches(120)]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def again(folder: Path) -> list[list[Path]]:
    log = written(folder / "log.jsonl", b"".join(LOG))
    return [[log], [log], [log]]


def renamed(folder: Path) -> list[list[Path]]:
    return [[written(folder / name, b"".join(LOG))] for name in ("log.jsonl", "log.jsonl.1")]


def rotated(folder: Path) -> list[list[Path]]:
    old, new = written(folder / "log.1", b"".join(LOG[:70])), written(folder / "log", b"".join(LOG[70:]))
    return [[written(folder / "first", b"".join(LOG[:50]))], [old, new]]


def copied_and_truncated(folder: Path) -> list[list[Path]]:
    copy = written(folder / "copy", b"".join(LOG[:80]))
    return [[copy], [written(folder / "log", b"".join(LOG[75:]))]]


def split(folder: Path) -> list[list[Path]]:
    return [[written(folder / f"part{n}", b"".join(LOG[n::4]))] for n in (2, 0, 3, 1)]


def shuffled(folder: Path) -> list[list[Path]]:
    lines = LOG[:]
    random.Random(1).shuffle(lines)
    return [[written(folder / "log", b"".join(lines))]]


def compressed(folder: Path) -> list[list[Path]]:
    packed = zstandard.ZstdCompressor().compress(b"".join(LOG[60:]))
    return [[written(folder / "a.gz", gzip.compress(b"".join(LOG[:60]))), written(folder / "b.zst", packed)]]


def without_its_last_newline(folder: Path) -> list[list[Path]]:
    return [[written(folder / "log", b"".join(LOG).rstrip())]]


def growing(folder: Path) -> list[list[Path]]:
    """Grown line by line and in mid-line: only what is new is read, and a line without its end is read again."""
    whole, log = b"".join(LOG), folder / "log"
    ends = [1, 40, 41, 90, len(LOG)]
    cuts = [len(b"".join(LOG[:end])) for end in ends]
    return Growing([[log]] * 5, [(log, whole[:cut]) for cut in cuts])


def rotated_while_it_grows(folder: Path) -> list[list[Path]]:
    log, old, whole = folder / "log", folder / "log.1", b"".join(LOG)
    half = len(b"".join(LOG[:60]))
    return Growing(
        [[log], [log, old], [old, log]],
        [(log, whole[: half // 2]), (old, whole[:half]), (log, whole[half:])],
    )


def written_anew(folder: Path) -> list[list[Path]]:
    """The second half stands where the first one stood, as ``copytruncate`` and ``>`` leave it, and is longer."""
    log, half = folder / "log", b"".join(LOG[:40])
    return Growing([[log], [log]], [(log, half), (log, b"".join(LOG[40:]))])


class Growing(list[list[Path]]):
    """Sources that are written as they are asked for."""

    def __init__(self, sources: list[list[Path]], writes: list[tuple[Path, bytes]]) -> None:
        super().__init__(sources)
        self._writes = writes

    def __iter__(self) -> Iterator[list[Path]]:
        for sources, (path, data) in zip(super().__iter__(), self._writes, strict=True):
            path.write_bytes(data)
            yield [source for source in sources if source.exists()]


@pytest.mark.parametrize(
    "way", [again, renamed, rotated, copied_and_truncated, split, shuffled, compressed, without_its_last_newline,
            growing, rotated_while_it_grows, written_anew]
)  # fmt: skip
@pytest.mark.turns(4)
def test_however_a_log_arrives_the_same_is_known_and_learnt(
    way: Callable[[Path], list[list[Path]]],
    workspace: Workspace,
    learnt_at_once: tuple[str, str | None],
    tmp_path: Path,
):
    for sources in way(tmp_path):
        workspace.ingest(sources)
    assert digests(workspace) == learnt_at_once


def cut_in_mid_line(data: bytes) -> bytes:
    return b"".join(LOG[:90]) + LOG[90][:40]


def truncated_gzip(data: bytes) -> bytes:
    return gzip.compress(data)[:-200]


def without_its_checksum(data: bytes) -> bytes:
    return gzip.compress(data)[:-8]


def bit_flipped_gzip(data: bytes) -> bytes:
    packed = bytearray(gzip.compress(data, 0))  # stored, so that only the checksum tells: all lines still read well
    packed[packed.index(b"slangword") + 9] ^= 1
    return bytes(packed)


@pytest.mark.parametrize("damage", [cut_in_mid_line, truncated_gzip, without_its_checksum, bit_flipped_gzip])
def test_a_damaged_log_teaches_nothing_and_the_mended_one_everything(
    damage: Callable[[bytes], bytes], workspace: Workspace, learnt_at_once: tuple[str, str | None], tmp_path: Path
):
    before = digests(workspace)
    with pytest.raises(DataError, match="nothing was taken in"):
        workspace.ingest([written(tmp_path / "log", damage(b"".join(LOG)))], max_bad=0.0)
    assert digests(workspace) == before
    workspace.ingest([written(tmp_path / "log", b"".join(LOG))])
    assert digests(workspace) == learnt_at_once


def test_no_share_of_bad_lines_allows_a_damaged_source(workspace: Workspace, tmp_path: Path):
    with pytest.raises(DataError, match="damaged source"):
        workspace.ingest([written(tmp_path / "log.gz", bit_flipped_gzip(b"".join(LOG)))], max_bad=1.0)


def digests(workspace: Workspace) -> tuple[str, str | None]:
    """Return what is known and what was learnt from it: hashes of the journal's events and of every learned file."""
    return workspace.status().journal_digest, learned_digest(workspace.state, workspace.state.current())


@pytest.fixture(scope="module")
def learnt_at_once(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str | None]:
    folder = tmp_path_factory.mktemp("at-once")
    workspace = Workspace(shutil.copytree(indexed, folder / "home"))
    workspace.ingest([written(folder / "log", b"".join(LOG))])
    return digests(workspace)


# ---------------------------------------------------------------- only what is new is read


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every line that was parsed, in order."""
    lines: list[bytes] = []
    reader = ingestion.reader

    def noting(format: str, undated: bool = False) -> Callable[[bytes], object]:
        read = reader(format, undated)

        def read_line(line: bytes) -> object:
            lines.append(line)
            return read(line)

        return read_line

    monkeypatch.setattr(ingestion, "reader", noting)
    return lines


def events(first: int, last: int) -> bytes:
    return b"".join(GOOD % number + b"\n" for number in range(first, last))


def test_of_a_log_that_has_grown_only_the_new_lines_are_read(workspace: Workspace, tmp_path: Path, parsed: list[bytes]):
    log = written(tmp_path / "log", events(0, 10) + GOOD[:30])
    assert workspace.ingest([log], max_bad=0.5).quarantined == 1
    parsed.clear()
    written(log, events(0, 13))
    report = workspace.ingest([log])
    assert parsed == events(10, 13).splitlines()
    assert (report.accepted, report.duplicates, report.quarantined) == (3, 10, 0)
    parsed.clear()
    assert workspace.ingest([log.rename(tmp_path / "log.1")]).duplicates == 13
    assert parsed == []


def test_what_was_read_before_is_reported_as_if_it_were_read_again(workspace: Workspace, tmp_path: Path):
    conflict = b'{"event":"skip","timestamp":"2024-05-01","entity_id":"song:001","event_id":"good-1"}\n'
    user = b'{"event":"user","user_id":"u1","attributes":{"mood":"calm"}}\n'
    log = written(tmp_path / "log", events(0, 5) + conflict + user + events(3, 4) + b"bad\n")
    whole = written(tmp_path / "other", b"\n" + log.read_bytes())  # the same to a reader, another file by its bytes
    workspace.ingest([log], max_bad=0.5)
    resumed, again = workspace.ingest([log], max_bad=0.5), workspace.ingest([whole], max_bad=0.5)
    for name in ("accepted", "duplicates", "conflicts", "quarantined", "skipped"):
        assert getattr(resumed, name) == getattr(again, name), name
    assert (again.accepted, again.duplicates, again.conflicts, again.quarantined) == (0, 6, 1, 1)


def test_lines_are_numbered_on(workspace: Workspace, tmp_path: Path):
    log = written(tmp_path / "log", b"\n" + events(0, 3) + b"\n\n")
    workspace.ingest([log])
    written(log, log.read_bytes() + b"bad\n")
    workspace.ingest([log], max_bad=0.5)
    assert [(line["line"], line["offset"]) for line in quarantined(workspace)] == [(7, 3 + len(events(0, 3)))]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: b" " + data[1:], "its first byte is another"),
        (lambda data: data[:-2] + b" \n", "its last byte is another"),
        (lambda data: data[: len(data) // 2], "it is shorter"),
    ],
)
def test_a_log_that_was_rewritten_is_read_whole(
    workspace: Workspace, tmp_path: Path, parsed: list[bytes], change: Callable[[bytes], bytes], why: str
):
    log = written(tmp_path / "log", events(0, 6))
    workspace.ingest([log])
    parsed.clear()
    written(log, change(events(0, 6)))
    workspace.ingest([log], max_bad=0.5)
    assert len(parsed) == len(log.read_bytes().splitlines()), why


def test_a_log_is_read_whole_where_it_is_asked_to_be_read_otherwise(
    workspace: Workspace, tmp_path: Path, parsed: list[bytes]
):
    log = written(tmp_path / "log", events(0, 6))
    workspace.ingest([log])
    for more in ({"undated": True}, {"format": "native"}):
        parsed.clear()
        workspace.ingest([log], **more)
        assert len(parsed) == 6


def test_neither_a_dry_run_nor_a_refused_log_counts_as_read(workspace: Workspace, tmp_path: Path, parsed: list[bytes]):
    log = written(tmp_path / "log", events(0, 6) + b"bad\n")
    workspace.ingest([log], dry_run=True, max_bad=0.5)
    with pytest.raises(DataError, match="nothing was taken in"):
        workspace.ingest([log])
    assert workspace.ingest([log], max_bad=0.5).accepted == 6
    with pytest.raises(DataError, match="nothing was taken in"):
        workspace.ingest([log])


def test_what_was_forgotten_comes_back_with_its_log(workspace: Workspace, tmp_path: Path):
    log = written(tmp_path / "log", events(0, 6))
    workspace.ingest([log])
    workspace.forget(source="log")
    assert workspace.status().events == 0
    assert workspace.ingest([log]).accepted == 6


def test_a_compressed_log_is_read_whole(workspace: Workspace, tmp_path: Path, parsed: list[bytes]):
    log = written(tmp_path / "log.gz", gzip.compress(events(0, 6)))
    workspace.ingest([log])
    parsed.clear()
    written(log, gzip.compress(events(0, 6)) + gzip.compress(events(6, 9)))
    assert workspace.ingest([log]).accepted == 3
    assert len(parsed) == 9


def test_progress_foresees_how_many_lines_there_are(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingestion, "BATCH", 2)
    told: list[tuple[int, int | None]] = []
    log = written(tmp_path / "log", events(0, 8))
    workspace.ingest([log], progress=lambda stage, done, total: told.append((done, total)) if stage == "read" else None)
    assert [done for done, _ in told] == [2, 4, 6, 8]
    assert all(total is not None and 8 <= total <= 16 for _, total in told)
