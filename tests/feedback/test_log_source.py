"""Logs as tables, and logs whose keys have other names."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.feedback.format_registry import format_of, reader
from ltrr_cli.feedback.log_source import read_log
from ltrr_cli.text.lines import BadLine, Line
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_log


def parsed(source: object, mapping: dict | None = None) -> list:
    lines = list(read_log(source, mapping))
    assert all(isinstance(line, Line) for line in lines)
    read = reader(format_of(lines[:50], "auto", str(source)))
    return [read(line.data) for line in lines]


def written(folder: Path, text: str, name: str = "log.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_searches_in_a_table_are_searches_in_json_lines(tmp_path: Path):
    as_json = write_log(
        tmp_path / "log.jsonl",
        [{"event": "search", "timestamp": "2024-05-31T18:00:00Z", "query": "360", "user_id": "007",
          "results": ["a1", "a2", "a3"], "clicked": ["a2"], "context": {"device": "phone"}}],
    )  # fmt: skip
    as_csv = written(
        tmp_path,
        "event,timestamp,query,user_id,results,clicked,context.device\n"
        "search,2024-05-31T18:00:00Z,360,007,a1|a2|a3,a2,phone\n",
    )
    assert parsed(as_csv) == parsed(as_json)


def test_a_warehouse_table_of_clicks_under_its_own_names(tmp_path: Path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as base:
        base.execute("create table clicks (at text, who integer, sku text, words text, slot integer)")
        base.execute("insert into clicks values ('2024-05-31T18:00:00Z', 7, 'a1', 'jazz', 3)")
    base.close()
    names = {
        "timestamp": "at", "user_id": "who", "entity_id": "sku", "query": "words", "position": "slot",
        "event": '"click"',
    }  # fmt: skip
    (one,) = parsed(f"sqlite:{path}?table=clicks", names)
    (event,) = one.events
    assert (event.kind, event.entity_id, event.query, event.position, event.user) == ("click", "a1", "jazz", 3, "7")


def test_other_names_in_json_lines_too_and_bad_lines_stay_as_they_are(tmp_path: Path):
    path = written(tmp_path, '{"ts": 1717178400000, "hit": {"id": "a"}, "event": "play"}\n{"ts": \n', "log.jsonl")
    good, bad = read_log(path, {"timestamp": "ts", "entity_id": "hit.id"})
    assert json.loads(good.data) == {
        "hit": {"id": "a"}, "event": "play", "timestamp": 1717178400000, "entity_id": "a"
    }  # fmt: skip
    assert bad.data == b'{"ts": '


def test_bad_rows_of_a_log_are_named_by_line(tmp_path: Path):
    good, bad = read_log(written(tmp_path, "event,entity_id\nclick,a\nclick\n"))
    assert isinstance(good, Line)
    assert isinstance(bad, BadLine)
    assert (good.number, bad.number) == (2, 3)


def test_nested_columns_and_cells_of_json(tmp_path: Path):
    path = written(tmp_path, 'event,results,a.b,a.c\nimpression,"[{""id"": ""x"", ""position"": 2}]",1,2\n')
    (line,) = read_log(path)
    assert json.loads(line.data) == {
        "event": "impression", "results": [{"id": "x", "position": 2}], "a": {"b": "1", "c": "2"}
    }  # fmt: skip


def as_table(path: Path, log: list[dict]) -> Path:
    rows = ["event,timestamp,user_id,query,clicked"]
    rows += [f"search,{one['timestamp']},{one['user_id']},{one['query']},{'|'.join(one['clicked'])}" for one in log]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.turns(4)
def test_a_table_teaches_what_its_json_lines_teach(sample_songs: Workspace, tmp_path: Path):
    log = searches(60)
    report = sample_songs.ingest([write_log(tmp_path / "log.jsonl", log)])
    again = sample_songs.ingest([as_table(tmp_path / "log.csv", log)])
    assert (again.accepted, again.duplicates) == (0, report.accepted)
    assert again.formats == {str(tmp_path / "log.csv"): "native"}


@pytest.mark.turns(4)
def test_bad_rows_are_counted_and_kept_and_too_many_refuse_the_log(sample_songs: Workspace, tmp_path: Path):
    path = as_table(tmp_path / "log.csv", searches(20))
    path.write_text(path.read_text() + "search,never,u1,q,song:001\nshort\n")
    report = sample_songs.ingest([path], max_bad=0.5)
    assert (report.accepted, report.quarantined) == (20, 2)
    kept = [json.loads(line) for line in (sample_songs.home / "quarantine/feedback.jsonl").read_text().splitlines()]
    assert [one["line"] for one in kept] == [22, 23]
    with pytest.raises(DataError):
        sample_songs.ingest([path])


@pytest.mark.turns(4)
def test_names_may_stand_in_the_settings_and_a_log_that_grew_is_read_on(sample_songs: Workspace, tmp_path: Path):
    (sample_songs.home / "ltrr.toml").write_text('[feedback.map]\nquery = "words"\n')
    workspace = Workspace(sample_songs.home)
    log = [{**one, "words": one["query"], "query": "overwritten"} for one in searches(30)]
    path = write_log(tmp_path / "log.jsonl", log[:20])
    assert workspace.ingest([path]).accepted == 20
    with path.open("a") as file:
        file.write("".join(json.dumps(one) + "\n" for one in log[20:]))
    report = workspace.ingest([path])
    assert (report.accepted, report.duplicates) == (10, 20)
    assert workspace.remembered(log[0]["words"]).entities
    report = workspace.ingest([path], mapping={"query": "query"})  # read as something else: read whole
    assert report.accepted == 30


def test_a_table_cannot_be_followed(sample_songs: Workspace, tmp_path: Path):
    path = as_table(tmp_path / "log.csv", searches(3))
    with pytest.raises(DataError, match="a table"):
        sample_songs.follow([path], None)
