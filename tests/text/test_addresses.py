from __future__ import annotations

import gzip
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.text.addresses import open_address
from tests.indexing.engines import contents
from tests.small_workspace import searches, write_catalog, write_log, write_settings

needs_fsspec = pytest.mark.skipif(importlib.util.find_spec("fsspec") is None, reason="fsspec is not installed")


def put(address: str, data: bytes) -> str:
    import fsspec

    with fsspec.open(address, "wb") as out:
        out.write(data)
    return address


@pytest.mark.turns(4)
@needs_fsspec
def test_a_catalog_at_an_address_is_that_of_the_file(indexed: Path, tmp_path: Path):
    data = write_catalog(tmp_path / "catalog.jsonl").read_bytes()
    address = put("memory://shop/catalog.jsonl.gz", gzip.compress(data))
    ltrr_cli.open(write_settings(tmp_path / "home")).index([address])
    assert contents(tmp_path / "home" / "catalog" / "0001") == contents(indexed / "catalog" / "0001")


@needs_fsspec
def test_a_log_at_an_address_is_taken_in_once(workspace: ltrr_cli.Workspace, tmp_path: Path):
    address = put("memory://shop/log.jsonl", write_log(tmp_path / "log.jsonl", searches(20)).read_bytes())
    assert workspace.ingest([address]).accepted == 20
    again = workspace.ingest([address])
    assert (again.accepted, again.duplicates) == (0, 20)


@needs_fsspec
@pytest.mark.parametrize("address", ["memory://shop/nothing.jsonl", "nowhere://shop/catalog.jsonl"])
def test_where_nothing_is_found_one_line_says_so(address: str):
    with pytest.raises(DataError, match=address):
        open_address(address)


def test_without_fsspec_one_line_says_so():
    code = (
        "import sys; sys.modules['fsspec'] = None\n"
        "from ltrr_cli.cli.main import run\n"
        "sys.exit(run(['index', 's3://bucket/catalog.jsonl', '--home', '/nowhere']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == UsageError.exit_code
    assert "ltrr-cli[addresses]" in done.stderr
