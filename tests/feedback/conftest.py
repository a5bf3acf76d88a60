"""A small workspace for tests that take a whole log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import write_catalog


@pytest.fixture
def sample_songs(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "songs.jsonl")])
    return workspace
