"""A catalog of ids: what learns from people works, whatever needs texts is elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.indexing.build import WORDLESS
from ltrr_cli.workspace.workspace import Workspace


def lines(path: Path, *records: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = ltrr_cli.open(tmp_path / "home")
    entities = [{"id": f"sku-{n}", "type": "lamp" if n % 2 else "chair"} for n in range(40)]
    home.index([lines(tmp_path / "catalog.jsonl", *entities)], ids_only=True)
    return home


def test_nothing_that_needs_texts_is_built(workspace: Workspace) -> None:
    folder = workspace.state.generations.open().catalog
    assert not any((folder / name).exists() for name in ("lexical", "dense", "sparse", "fuzzy", "inferred"))
    assert workspace.status().strategies == WORDLESS


def test_what_people_chose_is_found_again(workspace: Workspace, tmp_path: Path) -> None:
    clicks = [
        {"event": "click", "timestamp": f"2024-05-0{n}", "query": "red one", "entity_id": "sku-7", "user_id": f"u{n}"}
        for n in range(1, 5)
    ]
    workspace.ingest([lines(tmp_path / "clicks.jsonl", *clicks)])
    page = workspace.query("red one", k=3)
    assert page.results[0].id == "sku-7"
    assert page.results[0].sources["memory"].rank == 1
    assert workspace.rebuild().same
    assert workspace.state.generations.verify().damages == ()


def test_fields_that_are_kept_still_filter(workspace: Workspace) -> None:
    page = workspace.query("", k=20, filters=["type=chair"])
    assert {result.type for result in page.results} == {"chair"}


def test_an_update_stays_of_ids_alone(workspace: Workspace, tmp_path: Path) -> None:
    report = workspace.index([lines(tmp_path / "more.jsonl", {"id": "new", "text": "long words"})], update=True)
    assert report.entities == 41
    assert workspace.status().strategies == WORDLESS
    snapshot = workspace.state.snapshot()
    assert snapshot.catalog.entity(snapshot.catalog.row_of("new")).text == ""
