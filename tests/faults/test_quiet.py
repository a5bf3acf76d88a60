"""Nothing is unpickled and nothing is connected to, by any command that was not asked to."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ltrr_cli.workspace.workspace import Workspace
from tests.faults.conftest import Made

GUARDED = """
import json, sys, socket, pickle
asked = json.loads(sys.argv[1])
def refused(*given, **named):
    raise AssertionError("a socket was opened, or a pickle read")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refused
pickle.load = pickle.loads = pickle.Unpickler = refused
from ltrr_cli.cli.main import run
codes = [run(words) for words in asked]
print(codes)
sys.exit(max(codes))
"""


@pytest.mark.turns(6)
def test_no_command_opens_a_socket_or_reads_a_pickle(made: Made, tmp_path: Path):
    home = str(shutil.copytree(made.home, tmp_path / "home"))
    asked = [
        ["index", str(made.catalog)], ["index", str(made.more), "--update"], ["ingest-feedback", str(made.log)],
        ["query", "love"], ["train-ranker", "--algorithm", "linear", "--dry-run"], ["status"], ["verify"],
        ["report", "-o", str(tmp_path / "r.html")], ["models", "list"], ["encoder", "list"], ["rebuild"], ["rollback"],
        ["gc"], ["replay", str(made.log), "--train-every", "0"],
        ["train-ranker", "--judgments", str(made.queries), str(made.qrels), "--algorithm", "pointwise"],
        ["evaluate", "--queries", str(made.queries), "--qrels", str(made.qrels), "-k", "5"],
    ]  # fmt: skip
    told = [words + ["--home", home, "-q"] for words in asked]
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, json.dumps(told)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3_000:]


@pytest.mark.parametrize("kind", ["catalog", "learned", "models"])
def test_nothing_on_disk_is_a_pickle(made: Made, kind: str):
    files = [path for path in (made.home / kind).rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        assert not data.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")), path
        assert b"'descr': '|O'" not in data, path  # an array of objects would hold one


def test_an_array_of_objects_is_refused(made: Made, tmp_path: Path):
    import numpy as np

    home = Path(shutil.copytree(made.home, tmp_path / "home"))
    [path] = (home / "catalog").glob("*/columns/created_ms.npy")
    np.save(path, np.array([{"a": 1}], object), allow_pickle=True)
    told = [sys.executable, "-m", "ltrr_cli", "query", "love", "--home", str(home)]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "created_ms.npy" in done.stderr
    assert Workspace(made.home).query("love", log=False).results
