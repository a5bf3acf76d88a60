"""The same catalog as JSON lines, CSV, SQLite, Parquet, Arrow or a data frame is the same catalog."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS

DATA = Path(os.environ.get("LTRR_DATA", "../shared/data"))
LINES = [
    {
        "id": f"{number:03d}", "title": f'Song "{number}", part', "text": f"line one\nline, two {number}",
        "type": "track", "attributes": {"year": float(1980 + number), "mood": ["calm", "sad"][: 1 + number % 2],
        "live": "true" if number % 3 else "false"}, "popularity": number * 1.5, "created_at": "2011-10-01",
    }
    for number in range(40)
]  # fmt: skip


def flat(line: dict, separator: str = "|") -> dict:
    """Return a line as a row of a table."""
    row = {name: value for name, value in line.items() if name != "attributes"}
    row |= {f"attributes.{name}": value for name, value in line["attributes"].items()}
    return {name: separator.join(value) if isinstance(value, list) else value for name, value in row.items()}


def as_csv(path: Path, lines: list[dict], delimiter: str = ",") -> Path:
    rows = [flat(line) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_jsonl(path: Path, lines: list[dict]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def as_sqlite(path: Path, lines: list[dict]) -> str:
    rows = [flat(line) for line in lines]
    names = list(dict.fromkeys(name for row in rows for name in row))
    with sqlite3.connect(path) as base:
        base.execute("create table other (x)")
        base.execute(f"create table items ({', '.join(json.dumps(name) for name in names)})")
        marks = ", ".join("?" * len(names))
        base.executemany(f"insert into items values ({marks})", [[row.get(name) for name in names] for row in rows])
    base.close()
    return f"sqlite:{path}?table=items"


def digest(source: object, folder: Path) -> str:
    """Return a hash over the columns that a catalog makes."""
    intake = Intake()
    intake.read([source])
    assert not intake.refused
    assert not intake.faults()
    folder.mkdir()
    Columns.build(intake.sorted(), folder)
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def test_csv_tsv_and_sqlite_give_the_catalog_that_json_lines_give(tmp_path: Path):
    sources = {
        "jsonl": as_jsonl(tmp_path / "c.jsonl", LINES),
        "csv": as_csv(tmp_path / "c.csv", LINES),
        "tsv": as_csv(tmp_path / "c.tsv", LINES, "\t"),
        "sqlite": as_sqlite(tmp_path / "c.db", LINES),
    }
    assert len({digest(source, tmp_path / name) for name, source in sources.items()}) == 1


@pytest.fixture
def frame():
    arrow = pytest.importorskip("pyarrow", reason="the extra `tables` is not installed")
    return arrow.Table.from_pylist(LINES)


def test_parquet_arrow_and_data_frames_give_it_too(tmp_path: Path, frame):
    import pyarrow.feather
    import pyarrow.ipc
    import pyarrow.parquet

    pyarrow.parquet.write_table(frame, tmp_path / "c.parquet", row_group_size=7)
    pyarrow.feather.write_feather(frame, tmp_path / "c.feather")
    (tmp_path / "dataset").mkdir()  # as `datasets` saves one: streams of Arrow, in parts
    for part in range(2):
        with pyarrow.ipc.new_stream(tmp_path / "dataset" / f"data-{part:05d}-of-00002.arrow", frame.schema) as out:
            out.write_table(frame.slice(part * 25, 25))
    sources = {
        "jsonl": as_jsonl(tmp_path / "c.jsonl", LINES),
        "parquet": tmp_path / "c.parquet",
        "arrow": tmp_path / "c.feather",
        "folder": tmp_path / "dataset",
        "frame": frame,
    }
    assert len({digest(source, tmp_path / f"{name}-columns") for name, source in sources.items()}) == 1


class Rows:
    """A data frame as polars has them."""

    def __init__(self, lines: list[dict]) -> None:
        self._lines = lines

    def to_dicts(self) -> list[dict]:
        return self._lines

    def iter_rows(self, *, named: bool) -> iter:
        assert named
        return iter(self._lines)


@pytest.mark.turns(4)
def test_a_workspace_says_that_a_data_frame_is_the_catalog_of_json_lines(tmp_path: Path):
    hashes = set()
    sources = {"jsonl": as_jsonl(tmp_path / "c.jsonl", LINES), "frame": Rows(LINES), "fewer": Rows(LINES[1:])}
    for name, source in sources.items():
        workspace = Workspace(tmp_path / name)
        report = workspace.index(source)
        assert report.catalog_digest == workspace.status().catalog_digest
        hashes.add(report.catalog_digest)
    assert len(hashes) == 2


def test_what_is_no_data_frame_is_refused():
    with pytest.raises(UsageError, match="no data frame"):
        Intake().read([object()])


def read(source: object, mapping: dict | None = None, columns: dict | None = None) -> Intake:
    intake = Intake(columns=columns or {})
    intake.read([source], mapping)
    intake.settle("auto")
    return intake


def written(folder: Path, text: str, name: str = "c.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_shop_export_is_read_as_it_is_meant(tmp_path: Path):
    path = written(
        tmp_path,
        "sku,name,price,tags,specs,stock,body\n"
        '0042,Lamp,"$1,299.00",home|light,"{""watt"": 60}",7,<p>Bright &amp; <b>warm</b></p>\n'
        "0043,Chair,$20,home,,0,<p>Soft</p>\n",
    )
    intake = read(path, {"id": "sku", "title": "name", "text": "body"})
    lamp, chair = intake.sorted()
    assert (lamp.id, lamp.title, lamp.text) == ("0042", "Lamp", "Bright & warm")
    assert lamp.attributes == {
        "price": 1299.0, "price.currency": "USD", "tags": ("home", "light"), "specs.watt": 60.0, "stock": 7.0
    }  # fmt: skip
    assert chair.attributes == {"price": 20.0, "price.currency": "USD", "tags": ("home",), "stock": 0.0}
    said = {(remark.check, remark.field) for remark in intake.remarks}
    assert {("column", "price"), ("column", "tags"), ("column", "specs"), ("html", "text")} <= said


def test_settings_overrule_what_the_cells_say(tmp_path: Path):
    path = written(tmp_path, 'id,title,code,genre,price\n1,a,12,x|y,9\n2,b,13,"p, q",many\n')
    intake = read(path, columns={"code": "text", "genre": "list,", "price": "number"})
    one, two = intake.sorted()
    assert one.attributes == {"code": "12", "genre": ("x|y",), "price": 9.0}
    assert two.attributes == {"code": "13", "genre": ("p", "q")}
    assert ("unreadable", "price") in {(remark.check, remark.field) for remark in intake.remarks}


def test_bad_rows_are_named_by_their_line(tmp_path: Path):
    path = written(tmp_path, 'id,title\n1,"two\nlines"\n,none\n3\n4,ok\n')
    intake = read(path)
    assert [entity.id for entity in intake.sorted()] == ["1", "4"]
    assert [(one.number, one.reason) for one in intake.refused] == [
        (4, "no id"), (5, "1 values where the header names 2 columns")
    ]  # fmt: skip
    assert intake.refused[0].offset == path.read_bytes().index(b",none")


def test_a_constant_gives_every_row_a_type(tmp_path: Path):
    intake = read(written(tmp_path, "id,title\n1,a\n"), {"type": '"album"'})
    assert intake.sorted()[0].type == "album"
    assert not intake.faults()


def test_a_database_is_read_by_table_by_query_or_by_its_only_table(tmp_path: Path):
    named = as_sqlite(tmp_path / "c.db", LINES)
    base = named.partition("?")[0]
    query = f"{base}?query=select id, title || '?' as title from items where id < '003' -- a=b"
    assert [entity.title for entity in read(query).sorted()] == [f'Song "{number}", part?' for number in range(3)]
    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("drop table other")
    connection.close()
    assert len(read(tmp_path / "c.db").entities) == len(LINES)


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        ("", UsageError, "which table"),
        ("?table=items; drop table items", DataError, "no table"),
        ("?query=delete from items", DataError, "readonly"),
        ("?query=select id, id from items", DataError, "two columns"),
        ("?query=selec", DataError, "syntax"),
        ("?rows=items", UsageError, "not known"),
    ],
)
def test_a_database_says_what_is_wrong(tmp_path: Path, asked: str, kind: type[Exception], said: str):
    base = as_sqlite(tmp_path / "c.db", LINES).partition("?")[0]
    with pytest.raises(kind, match=said):
        read(base + asked)
    assert len(read(base + "?table=items").entities) == len(LINES)


@pytest.mark.parametrize(("name", "data"), [("c.db", b"no database at all, but long enough to be looked at"),
                                            ("none.db", None)])  # fmt: skip
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, name: str, data: bytes | None):
    if data is not None:
        (tmp_path / name).write_bytes(data * 40)
    with pytest.raises(DataError):
        read(f"sqlite:{tmp_path / name}?table=x")


def test_a_damaged_parquet_file_is_refused(tmp_path: Path):
    pytest.importorskip("pyarrow", reason="the extra `tables` is not installed")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and then nothing of the kind")
    with pytest.raises(DataError, match=r"c\.parquet"):
        read(tmp_path / "c.parquet")


@pytest.mark.turns(4)
def test_without_pyarrow_one_line_says_what_to_install(tmp_path: Path):
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    code = (
        "import sys; sys.modules['pyarrow'] = None\nfrom ltrr_cli.cli.main import run\n"
        f"sys.exit(run(['index', {str(tmp_path / 'c.parquet')!r}, '--home', {str(tmp_path / 'home')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        f"ltrr: {tmp_path / 'c.parquet'}: reading it needs pyarrow, which is not installed",
        "hint: pip install 'ltrr-cli[tables]'",
    ]


def test_standard_input_may_be_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = as_csv(tmp_path / "c.csv", LINES).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read("csv:-").sorted() == read(tmp_path / "c.csv").sorted()


def test_songs_of_the_other_tests_survive_a_table(tmp_path: Path):
    lines = [
        {"id": song.id, "title": song.title, "text": song.text, "type": song.type,
         "attributes": {name: list(value) if isinstance(value, tuple) else value
                        for name, value in song.attributes.items()},
         "popularity": song.popularity, "created_at": song.created_ms}
        for song in SONGS
    ]  # fmt: skip
    intake = read(as_csv(tmp_path / "c.csv", lines), columns={"attributes.mood": "list|"})
    assert tuple(intake.sorted()) == SONGS


@pytest.mark.slow
def test_a_real_shop_catalog_has_one_digest_in_four_forms(tmp_path: Path):
    real = DATA / "retrotech" / "catalog.jsonl.gz"
    if not real.exists():
        pytest.skip(f"no {real}")
    with gzip.open(real, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    sources: dict[str, object] = {
        "jsonl": real,
        "csv": as_csv(tmp_path / "c.csv", lines),
        "sqlite": as_sqlite(tmp_path / "c.db", lines),
    }
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        pass
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(lines), tmp_path / "c.parquet")
        sources["parquet"] = tmp_path / "c.parquet"
    assert len({digest(source, tmp_path / name) for name, source in sources.items()}) == 1
