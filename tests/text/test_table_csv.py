"""CSV as it is found: delimiters, quotes, line ends inside quotes, broken rows named by their lines."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.text.lines import BadLine
from ltrr_cli.text.tables import Row, table_source


def rows(path: Path | str) -> list[Row | BadLine]:
    table = table_source(path)
    assert table is not None
    return list(table.rows())


def written(folder: Path, data: bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def records(found: list[Row | BadLine]) -> list[tuple[int, dict]]:
    return [(row.number, dict(row.record)) for row in found if isinstance(row, Row)]


@pytest.mark.parametrize(
    "data",
    [
        b'id,title\n1,Toy\n2,"Heat, 2"\n',
        b'\xef\xbb\xbfid,title\r\n1,Toy\r\n2,"Heat, 2"',
        b"id;title\n1;Toy\n2;Heat, 2\n",
        b"id\ttitle\n1\tToy\n2\tHeat, 2\n",
        b"id|title\n1|Toy\n\n2|Heat, 2\n",
        b',id,title\n0,1,Toy\n1,2,"Heat, 2"\n'.replace(b"\n0,", b"\n,").replace(b"\n1,2", b"\n,2"),
        b'id,title\n1,Toy,\n2,"Heat, 2",\n',
    ],
)
def test_delimiters_quotes_and_line_ends_as_they_are_found(tmp_path: Path, data: bytes):
    found = [record for _, record in records(rows(written(tmp_path, data)))]
    assert found == [{"id": "1", "title": "Toy"}, {"id": "2", "title": "Heat, 2"}]


def test_compressed_and_by_a_word_before_the_name(tmp_path: Path):
    path = written(tmp_path, gzip.compress(b"id,title\n1,Toy\n"), "t.csv.gz")
    assert records(rows(path)) == [(2, {"id": "1", "title": "Toy"})]
    other = written(tmp_path, b"id\ttitle\n1\tToy\n", "export.txt")
    assert records(rows(f"tsv:{other}")) == records(rows(f"csv:{other}")) == [(2, {"id": "1", "title": "Toy"})]


def test_rows_are_numbered_by_the_line_on_which_they_begin(tmp_path: Path):
    found = rows(written(tmp_path, b'id,text\n1,"two\nlines"\n\n2,x\n'))
    assert records(found) == [(2, {"id": "1", "text": "two\nlines"}), (5, {"id": "2", "text": "x"})]
    assert [row.offset for row in found] == [8, 23]


def test_bad_rows_are_named_by_line_and_cost_only_themselves(tmp_path: Path):
    data = b'id,title\n1,Toy\n2\n3,a,b\n4,"never closed\n5,\xff\n6,"a"b\n7,Heat\n'
    found = rows(written(tmp_path, data))
    assert [number for number, _ in records(found)] == [2, 8]
    bad = {row.number: row.reason for row in found if isinstance(row, BadLine)}
    assert bad[3] == "1 values where the header names 2 columns"
    assert bad[4] == "3 values where the header names 2 columns"
    assert "quote" in bad[5]
    assert bad[6] == "not UTF-8"
    assert bad[7].startswith("not CSV")


def test_a_stray_quote_in_a_table_with_tabs_is_a_character(tmp_path: Path):
    found = rows(written(tmp_path, b'id\ttitle\n1\t"5 inch disk\n2\tToy\n', "t.tsv"))
    assert records(found) == [(2, {"id": "1", "title": '"5 inch disk'}), (3, {"id": "2", "title": "Toy"})]


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "empty"), (b"id,id\n1,2\n", "two columns"), (b",,\n1,2,3\n", "names no column")]
)
def test_a_table_without_usable_names_is_refused(tmp_path: Path, data: bytes, said: str):
    with pytest.raises(DataError, match=said):
        rows(written(tmp_path, data))


def test_a_damaged_or_missing_file_is_named(tmp_path: Path):
    whole = gzip.compress(b"id,title\n" + b"1,Toy\n" * 9_000)
    with pytest.raises(DataError, match="damaged"):
        rows(written(tmp_path, whole[:-9], "t.csv.gz"))
    with pytest.raises(DataError, match="No such file"):
        rows(tmp_path / "none.csv")


READ = """
import resource, sys
from ltrr_cli.catalog.tables import CsvReader
count = sum(1 for _ in CsvReader().read(sys.argv[1]))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_after(path: Path) -> tuple[int, float]:
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    count, kilobytes = map(int, done.stdout.split())
    return count, kilobytes / 1024


@pytest.mark.slow
def test_a_large_file_is_read_in_the_memory_of_a_small_one(tmp_path: Path):
    """Peak of the process in MB: 300 MB of CSV may take 20 MB more than 3 MB of it."""
    assert resource.getrusage  # POSIX only
    line = b'%09d,Some title of a product,"a text, quoted",12.50,jazz|modal,' + b"x" * 130 + b"\n"
    sizes = {}
    for lines in (15_000, 1_500_000):
        path = tmp_path / f"{lines}.csv"
        with path.open("wb") as file:
            file.write(b"id,title,text,price,genre,rest\n")
            for start in range(0, lines, 5_000):
                file.write(b"".join(line % number for number in range(start, start + 5_000)))
        count, sizes[lines] = peak_after(path)
        assert count == lines
    assert path.stat().st_size > 290e6
    assert sizes[1_500_000] < sizes[15_000] + 20
