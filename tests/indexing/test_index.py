"""What an index says of a catalog that was read well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ltrr_cli.backends.encoder_cache import cache_root
from ltrr_cli.backends.encoder_card import TABLE, TOKENIZER, Card, digest_of, read_card, write_card
from ltrr_cli.backends.files import write_matrix
from ltrr_cli.indexing.index import IndexReport
from ltrr_cli.workspace.workspace import Workspace
from tests.backends.tiny import WORDS, save_tokenizer

SENTENCE = "A record of slow and quiet songs that were taped in one long night by a band of five who never met again."


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTRR_CACHE", str(tmp_path / "cache"))


def indexed(place: Path, texts: list[str], *, update: bool = False) -> IndexReport:
    lines = [{"id": str(number), "title": f"Record {number}", "text": text} for number, text in enumerate(texts)]
    path = place / "catalog.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return Workspace(place / "home").index([path], update=update)


def suggested(report: IndexReport) -> list[str]:
    return [remark.sentence for remark in report.remarks if remark.check == "prose"]


def test_prose_is_told_of_an_encoder_that_reads_it(tmp_path: Path):
    (sentence,) = suggested(indexed(tmp_path, [SENTENCE, SENTENCE, "short"]))
    assert "prose in 2 values" in sentence
    assert "--encoder minilm (after ltrr encoder pull minilm)" in sentence


def test_what_was_fetched_already_need_not_be_fetched(tmp_path: Path):
    folder = cache_root() / "encoders" / "minilm"
    folder.mkdir(parents=True)
    write_card(folder, Card("onnx", "minilm", 384, 256, "0" * 64, "mean", "last_hidden_state"))
    (sentence,) = suggested(indexed(tmp_path, [SENTENCE]))
    assert "--encoder minilm" in sentence
    assert "pull" not in sentence


def test_short_texts_get_no_suggestion(tmp_path: Path):
    assert suggested(indexed(tmp_path, [SENTENCE, "short", "brief", ""])) == []


def test_an_update_that_keeps_its_encoder_is_not_told_again(tmp_path: Path):
    assert suggested(indexed(tmp_path, [SENTENCE]))
    assert suggested(indexed(tmp_path, [SENTENCE], update=True)) == []


def test_a_catalog_without_any_title_can_be_searched(tmp_path: Path):
    path = tmp_path / "catalog.jsonl"
    lines = [{"id": str(number), "title": "", "text": f"{SENTENCE} number{number}"} for number in range(5)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    workspace = Workspace(tmp_path / "home")
    workspace.index([path])
    assert workspace.query("number3", k=1).results[0].id == "3"


def test_general_vectors_of_the_cache_are_put_beside_the_catalogs_own_and_kept_by_an_update(tmp_path: Path):
    folder = cache_root() / "encoders" / "static"
    folder.mkdir(parents=True)
    save_tokenizer(folder / TOKENIZER, padding=False)
    vectors: Any = np.random.default_rng(1).standard_normal((len(WORDS), 8)).astype(np.float16)
    write_matrix(folder / TABLE, vectors)
    write_card(folder, Card("table", "static", 8, 512, digest_of(folder)))
    path = tmp_path / "catalog.jsonl"
    path.write_text("".join(json.dumps({"id": name, "title": name}) + "\n" for name in ("rock", "quiet piano", "rain")))
    workspace = Workspace(tmp_path / "home")
    workspace.index([path], encoder="static")
    card = read_card(workspace.state.generations.folder("catalog", 1) / "encoder")
    assert (card.kind, card.name) == ("pair", "static")
    assert workspace.query("piano").results[0].id == "quiet piano"
    path.write_text(json.dumps({"id": "jazz", "title": "jazz piano"}) + "\n")
    workspace.index([path], update=True)
    current = workspace.state.generations.current()
    assert read_card(workspace.state.generations.folder("catalog", current.catalog) / "encoder") == card
