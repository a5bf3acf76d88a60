"""`ltrr validate --catalog` says what `ltrr index` would do, and `ltrr index` publishes nothing that nobody can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.workspace.workspace import Workspace


def written(folder: Path, data: bytes | list[dict]) -> Path:
    path = folder / "catalog.jsonl"
    path.write_bytes(data if isinstance(data, bytes) else "".join(json.dumps(line) + "\n" for line in data).encode())
    return path


REFUSED = [
    ([{"objectID": "1", "name": "Toy"}], {}, "lines", "no id"),
    ([{"objectID": "1", "name": "Toy"}], {"id": "objectID"}, "titles", "no title on any line"),
    ([{"objectID": "1", "name": "Toy"}], {"id": "objectID", "title": "nmae"}, "mapping", "'name' may be meant"),
    ([{"objectID": "1", "name": "Toy"}], {"id": "objectID", "titel": "name"}, "mapping", "'title' may be meant"),
    (b"nonsense\n", {}, "lines", "not JSON"),
    (b"", {}, "empty", "no entity"),
]


@pytest.mark.parametrize(("data", "mapping", "check", "reason"), REFUSED)
def test_what_index_refuses_is_an_error_and_nothing_is_published(tmp_path, data, mapping, check, reason):
    workspace, path = Workspace(tmp_path / "home"), written(tmp_path, data)
    with pytest.raises(DataError, match=reason) as caught:
        workspace.index([path], mapping=mapping)
    assert "nothing was published" in str(caught.value)
    assert workspace.state.generations.current() is None
    report = workspace.validate_catalog([path], mapping=mapping)
    assert not report.ok
    assert check in {finding.check for finding in report.findings if finding.severity == "error"}


def test_lines_without_an_id_say_which_key_may_be_one(tmp_path):
    with pytest.raises(DataError) as caught:
        Workspace(tmp_path / "home").index([written(tmp_path, [{"objectID": "1", "title": "Toy"}])])
    assert caught.value.hint == "--map id=objectID"


@pytest.mark.parametrize("data", [b"id,title\n1,Toy\n", b'[{"id": "1", "title": "Toy"}]\n'])
def test_a_file_of_another_kind_is_named_by_both(tmp_path, data):
    workspace, path = Workspace(tmp_path / "home"), written(tmp_path, data)
    for command in (workspace.index, workspace.validate_catalog):
        with pytest.raises(DataError, match="not JSON lines"):
            command([path])


def test_what_is_taken_as_meant_is_a_note_and_what_is_left_out_a_warning(tmp_path):
    lines = [{"id": n, "title": f"t{n}", "created_at": 1479164400 + n, "popularity": "12"} for n in range(5)]
    lines.append({"id": 4, "popularity": "many"})
    report = Workspace(tmp_path / "home").validate_catalog([written(tmp_path, lines)])
    assert report.ok
    found = {finding.check: (finding.severity, finding.count) for finding in report.findings}
    assert found == {
        "unreadable": ("warning", 1),
        "untitled": ("warning", 1),
        "numbers": ("note", 5),
        "seconds": ("note", 5),
        "duplicates": ("note", 1),
    }


def test_a_good_catalog_has_no_findings_and_none_is_a_mistake(tmp_path):
    workspace = Workspace(tmp_path / "home")
    assert workspace.validate_catalog([written(tmp_path, [{"id": 1, "title": "x", "tags": ["a"]}])]).findings == ()
    with pytest.raises(UsageError, match="no catalog"):
        workspace.validate_catalog([])


def test_the_index_says_aloud_what_it_took_as_meant(tmp_path):
    lines = [{"id": n, "title": f"film {n}", "created_at": 1959 + n, "by": {"name": f"somebody {n}"}} for n in range(6)]
    report = Workspace(tmp_path / "home").index([written(tmp_path, lines)])
    assert {remark.check for remark in report.remarks} == {"years", "flattened"}
    assert report.as_json()["remarks"][0]["sentence"]
