"""A file of queries becomes a run, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.feedback.judgments import read_run
from ltrr_cli.storage import disk
from ltrr_cli.workspace.workspace import Workspace


def test_a_run_that_cannot_be_written_leaves_the_one_before(workspace: Workspace, tmp_path: Path):
    queries, run = tmp_path / "queries.jsonl", tmp_path / "out.trec"
    queries.write_text(json.dumps({"query_id": "q1", "text": "song"}) + "\n")
    workspace.query_batch(queries, run, k=3)
    before = run.read_bytes()
    assert len(read_run(run)["q1"]) == 3
    for nth in (1, 2):
        with pytest.raises(OSError, match="broken"), disk.faults(nth, OSError("broken")):
            workspace.query_batch(queries, run, k=2)
        assert run.read_bytes() == before
    assert [path.name for path in tmp_path.glob("out*")] == ["out.trec"]
