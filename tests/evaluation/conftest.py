"""A small workspace with judged queries."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import SONGS


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    """Twelve titles, asked as they are, and a mood."""
    path = tmp_path / "queries.jsonl"
    lines = [{"query_id": f"n{place}", "text": SONGS[place].title, "kind": "name"} for place in range(12)]
    lines.append({"query_id": "mood", "text": "calm"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def qrels(tmp_path: Path) -> Path:
    """Each title's song, and all calm ones."""
    path = tmp_path / "qrels.tsv"
    lines = [f"n{place} 0 {SONGS[place].id} 3" for place in range(12)]
    lines += [f"mood 0 {song.id} 1" for song in SONGS if song.attributes["mood"] == ("calm",)]
    path.write_text("\n".join(lines) + "\n")
    return path
