from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest

from ltrr_cli.core.errors import LtrrError, NoSpaceError
from ltrr_cli.feedback.quarantine import LONGEST, Quarantine


def test_lines_are_kept_with_place_and_reason(tmp_path):
    path = tmp_path / "quarantine" / "feedback.jsonl"
    with Quarantine(path) as quarantine:
        quarantine.add("log.jsonl", 3, 120, "not JSON", b'{"half\xff')
        quarantine.add("log.jsonl", 4, 130, "too long", b"x" * (LONGEST + 5))
        assert quarantine.count == 2
    first, second = map(json.loads, path.read_text("utf-8").splitlines())
    assert first == {
        "source": "log.jsonl",
        "line": 3,
        "offset": 120,
        "reason": "not JSON",
        "bytes": 7,
        "data": '{"half\\xff',
    }
    assert (len(second["data"]), second["bytes"]) == (LONGEST, LONGEST + 5)


@pytest.mark.parametrize("data", [b"", b"\n\r\n", bytes(range(256)), "\u2028\u2029\x85é".encode(), b"\xed\xa0\x80"])
def test_whatever_was_in_the_line_it_stays_one_line(tmp_path, data):
    with Quarantine(tmp_path / "q") as quarantine:
        quarantine.add("a\nb", 1, 0, "reason\nof two lines", data)
    (line,) = (tmp_path / "q").read_bytes().removesuffix(b"\n").split(b"\n")
    assert json.loads(line)["bytes"] == len(data)


def test_nothing_bad_leaves_no_file(tmp_path):
    with Quarantine(tmp_path / "deep" / "q"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_later_run_appends_and_mends_a_torn_line(tmp_path):
    path = tmp_path / "q"
    path.write_bytes(b'{"whole":1}\n{"torn')
    with Quarantine(path) as quarantine:
        quarantine.add("s", 1, 0, "r", b"d")
    whole, torn, new = path.read_bytes().splitlines()
    assert (whole, torn) == (b'{"whole":1}', b'{"torn')
    assert json.loads(new)["source"] == "s"


WRITER = """
import sys, pathlib
from ltrr_cli.feedback.quarantine import Quarantine
with Quarantine(pathlib.Path(sys.argv[1])) as quarantine:
    for n in range(200):
        quarantine.add(sys.argv[2], n, n, "r", b"x" * (n * 7))
"""


def test_two_processes_do_not_mix_their_lines(tmp_path):
    names = ("one", "two")
    workers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "q"), name]) for name in names]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    lines = [json.loads(line) for line in (tmp_path / "q").read_bytes().splitlines()]
    for name in names:
        assert [line["line"] for line in lines if line["source"] == name] == list(range(200))


def test_a_full_disk_leaves_whole_lines_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "q"
    quarantine = Quarantine(path)
    quarantine.add("s", 1, 0, "r", b"d")
    before = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    with pytest.raises(NoSpaceError, match="no space"):
        quarantine.add("s", 2, 0, "r", b"d")
    monkeypatch.undo()
    quarantine.close()
    assert path.read_bytes() == before
    assert quarantine.count == 1


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, NoSpaceError), (errno.EIO, LtrrError)])
def test_errors_of_the_disk_name_the_file(tmp_path, monkeypatch, number, error):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    quarantine = Quarantine(tmp_path / "named")
    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(error, match="named"):
        quarantine.add("s", 1, 0, "r", b"d")
    quarantine.close()
