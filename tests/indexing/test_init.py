"""`ltrr init` tells a catalog from a log, names what is odd, and writes settings with which both are read."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from pathlib import Path

import pytest

from ltrr_cli.core.config import load_settings
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.indexing.column_facts import sample_file
from ltrr_cli.indexing.proposal import propose
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_catalog, write_log

PRODUCTS = """sku,name,price,tags,sales,empty,stock,shop,released,body
0042,Lamp,"$1,299.00",home|light,3,,7,x,2011-10-01,<p>Bright</p>
0043,Chair,$20,home,9,,many,x,2012-10-01,<p>Soft</p>
0044,Desk,$20,home|work,1,,3,x,2013-10-01,<p>Soft</p>
0044,Desk 2,$21,home|work,1,,3,x,2014-10-01,<p>Soft</p>
"""
CLICKS = """ts,who,product,q,slot
2024-05-31T18:00:00Z,7,0042,lamp,1
2024-05-31T18:10:00Z,8,0042,lamp,2
2024-05-31T18:10:10Z,8,0099,desk,2
"""


def written(folder: Path, text: str, name: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [written(tmp_path, PRODUCTS, "products.csv"), written(tmp_path, CLICKS, "clicks.csv")]


def test_both_files_are_told_and_their_columns_mapped(tmp_path: Path, files: list[Path]):
    catalog, log = Workspace(tmp_path / "home").init(files).sources
    assert (catalog.role, log.role) == ("catalog", "log")
    assert catalog.mapping == {
        "id": "sku", "title": "name", "text": "body", "popularity": "sales", "created_at": "released"
    }  # fmt: skip
    assert catalog.columns == {"price": "money", "tags": "list|"}
    assert log.mapping == {
        "timestamp": "ts", "entity_id": "product", "query": "q", "user_id": "who", "position": "slot",
        "event": '"click"',
    }  # fmt: skip


def test_what_is_odd_is_said(tmp_path: Path, files: list[Path]):
    report = Workspace(tmp_path / "home").init(files)
    odd = " ".join(report.sources[0].odd)
    for said in ("1 rows repeat an id", "shop: the same value", "stock: 1 of 4 values"):
        assert said in odd
    assert report.odd == (f"{files[1]}: 1 of 2 entities are not in the catalog, such as 0099",)


def test_the_settings_are_read_back_and_the_next_commands_work(tmp_path: Path, files: list[Path]):
    home = tmp_path / "home"
    report = Workspace(home).init(files, named=True)
    assert tomllib.loads(report.settings) == tomllib.loads((home / "ltrr.toml").read_text())
    assert load_settings(home, {}).catalog.map["id"] == "sku"
    assert [command.split()[1] for command in report.commands] == ["index", "ingest-feedback", "query"]
    assert all(command.endswith(f"--home {home}") for command in report.commands)
    workspace = Workspace(home)
    assert workspace.index(files[:1]).entities == 3
    assert workspace.ingest(files[1:]).accepted == 3
    assert workspace.query("lamp").results[0].id == "0042"


def test_json_lines_of_our_own_need_no_mapping(tmp_path: Path):
    catalog = write_catalog(tmp_path / "c.jsonl")
    log = write_log(tmp_path / "l.jsonl", searches(20))
    report = Workspace(tmp_path / "home").init([log, catalog])
    assert [(one.role, one.form, dict(one.mapping)) for one in report.sources] == [
        ("log", "JSON lines, native", {}), ("catalog", "JSON lines", {})
    ]  # fmt: skip
    assert ".map]" not in report.settings


def test_an_export_of_user_behavior_insights_is_known(tmp_path: Path):
    line = {"action_name": "click", "query_id": "q", "timestamp": "2024-05-31T18:00:00Z",
            "event_attributes": {"object": {"object_id": "a"}}}  # fmt: skip
    assert propose(sample_file(str(write_log(tmp_path / "u.jsonl", [line] * 3)))).form == "JSON lines, ubi"


def test_an_id_without_a_usual_name_is_the_column_whose_values_all_differ(tmp_path: Path):
    path = written(tmp_path, "colour,nr,name\nred,A-1,x y\nred,A-2,z\n", "c.csv")
    found = propose(sample_file(str(path)))
    assert found.mapping["id"] == "nr"
    assert "all different" in found.recognised[0]


def test_numbers_that_a_database_keeps_as_texts_are_odd(tmp_path: Path):
    with sqlite3.connect(tmp_path / "c.db") as base:
        base.execute("create table t (id text, title text, year text)")
        base.executemany("insert into t values (?, ?, ?)", [("a", "x", "1959"), ("b", "y", "1960")])
    base.close()
    found = propose(sample_file(str(tmp_path / "c.db")))
    assert 'year: numbers kept as texts; [catalog.columns] year = "number" reads them' in found.odd


def test_files_that_name_a_field_differently_are_told(tmp_path: Path):
    one, two = written(tmp_path, "sku,name\n1,a\n2,b\n", "1.csv"), written(tmp_path, "code,name\n3,c\n4,d\n", "2.csv")
    report = Workspace(tmp_path / "home").init([one, two])
    assert "--map id=code" in report.odd[0]


def test_settings_that_there_are_stay_unless_forced(tmp_path: Path, files: list[Path]):
    workspace = Workspace(tmp_path / "home")
    dry = workspace.init(files, dry_run=True)
    assert dry.written is None
    assert not (tmp_path / "home").exists()
    workspace.init(files)
    (workspace.home / "ltrr.toml").write_text("live = true\n")
    with pytest.raises(UsageError, match="exists"):
        workspace.init(files)
    assert workspace.init(files, force=True).settings == dry.settings == (workspace.home / "ltrr.toml").read_text()


@pytest.mark.parametrize(
    ("text", "said"), [("", "no row"), ("[\n{}]", "JSON array"), ("nonsense\n", "no row"), ("<html>", "HTML")]
)
def test_a_file_that_is_neither_is_refused(tmp_path: Path, text: str, said: str):
    with pytest.raises(DataError, match=said):
        Workspace(tmp_path / "home").init([written(tmp_path, text, "x.jsonl")])
    with pytest.raises(UsageError):
        Workspace(tmp_path / "home").init([])


def test_a_key_that_is_null_everywhere_is_odd(tmp_path: Path):
    path = written(tmp_path, json.dumps({"id": "a", "title": "x", "genre": None}) + "\n", "c.jsonl")
    assert propose(sample_file(str(path))).odd == ("genre: empty everywhere",)


def test_bad_rows_are_counted_and_the_first_is_named(tmp_path: Path):
    path = written(tmp_path, json.dumps({"id": "a", "title": "x"}) + "\nnonsense\n", "c.jsonl")
    assert "line 2" in propose(sample_file(str(path))).odd[0]
