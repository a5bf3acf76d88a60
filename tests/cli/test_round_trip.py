"""A real workspace through the command line: what one command prints, the next one takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Typed


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "home"))


def test_a_click_on_a_shown_page_is_explained_and_learnt(ltrr: Typed, home: Path, tmp_path: Path):
    page = json.loads(ltrr("query", "summer", "--json", "--home", home, "--user", "u1", "--live").out)
    chosen = page["results"][2]
    click = {"event": "click", "impression_id": page["impression_id"], "entity_id": chosen["id"], "position": 3}
    impression = json.loads(ltrr("explain", page["impression_id"], "--json", "--home", home).out)
    assert impression["origin"] == "live"
    log = tmp_path / "clicks.jsonl"
    log.write_text(json.dumps({**click, "timestamp": impression["time"], "user_id": "u1"}))
    report = json.loads(ltrr("ingest-feedback", log, "--json", "--home", home).out)
    assert (report["accepted"], report["orphans"], report["outcomes"]) == (1, 0, 1)
    told = ltrr("explain", page["impression_id"], "--home", home)
    assert told.code == 0, told.err
    [line] = [line for line in told.out.splitlines() if line.rstrip().endswith("click")]
    assert chosen["title"] in line
    assert "what the memory knows of 'summer'" in told.out
    status = json.loads(ltrr("status", "--json", "--home", home).out)
    assert (status["impressions"], status["events"], status["memory_pairs"]) == (1, 1, 1)


def test_the_same_seed_draws_the_same_page(ltrr: Typed, home: Path):
    words = ("query", "golden river", "--json", "--seed", "5", "--no-log", "--home", home)
    first, second = json.loads(ltrr(*words).out), json.loads(ltrr(*words).out)
    for page in (first, second):
        page.pop("took_ms")
    assert first == second
    assert first["impression_id"] is None


def test_damage_is_found_named_and_mended(ltrr: Typed, home: Path):
    [ids] = (home / "catalog").glob("*/columns/ids.blob.npy")
    ids.write_bytes(ids.read_bytes()[:-1] + b"?")
    told = ltrr("verify", "--json", "--home", home)
    assert told.code == 5
    assert [Path(damage["path"]).name for damage in json.loads(told.out)["damaged"]] == [ids.name]
    told = ltrr("query", "summer", "--home", home)
    assert told.code == 5
    assert ids.name in told.err
    assert "hint: " in told.err
