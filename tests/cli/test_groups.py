"""Commands with commands of their own: rankers and encoders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.engine.model_store import ModelCard, ModelList
from tests.cli.conftest import FakeWorkspace, Typed

CARD = ModelCard(
    name="ranker-2", algorithm="linear", source="journal", trained="2024-06-01T10:00:00.000Z", searches=120,
    reason="better on the newest searches", columns=40,
    measures={"trained": {"nDCG@10": 0.75}, "serving": {"nDCG@10": 0.5}},
    importances={"memory.belief": 0.125}, won=(("calm \x1b[31mpiano", 0.5),), lost=(("loud", -0.25),),
)  # fmt: skip


@pytest.fixture
def models(workspace: FakeWorkspace) -> FakeWorkspace:
    workspace.answers |= {"models": ModelList("ranker-2", (CARD,)), "model": CARD, "promote": "ranker-2"}
    return workspace


def test_the_list_says_which_ranker_serves(ltrr: Typed, models: FakeWorkspace):
    told = ltrr("models", "list")
    assert "ranker-2 (serves)" in told.out
    assert "0.7500" in told.out
    assert json.loads(ltrr("models", "list", "--json").out)["serving"] == "ranker-2"


def test_a_card_shows_what_a_ranker_looks_at_and_whom_it_helped(ltrr: Typed, models: FakeWorkspace):
    told = ltrr("models", "show", "ranker-2")
    for said in ("memory.belief", "0.1250", "calm \\x1b[31mpiano", "+0.5000", "loud", "-0.2500"):
        assert said in told.out
    assert models.asked[-1][:2] == ("model", ("ranker-2",))


def test_promote_and_roll_back(ltrr: Typed, models: FakeWorkspace):
    assert ltrr("models", "promote", "ranker-2").out == "ranker-2 serves now\n"
    assert models.asked[-2][:2] == ("promote", ("ranker-2",))
    ltrr("models", "rollback")
    assert models.asked[-2][:2] == ("promote", (None,))


def test_an_encoder_that_nobody_knows_is_named(ltrr: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LTRR_CACHE", str(tmp_path))
    told = ltrr("encoder", "pull", "whatever")
    assert told.code == 4
    assert "minilm" in told.err
    assert ltrr("encoder", "import", tmp_path / "absent").code == 4
    (tmp_path / "empty").mkdir()
    told = ltrr("encoder", "import", tmp_path / "empty")
    assert told.code == 4
    assert "model.onnx" in told.err


def test_without_downloads_there_is_the_catalog_s_own_encoder(
    ltrr: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LTRR_CACHE", str(tmp_path))
    [only] = json.loads(ltrr("encoder", "list", "--json").out)["encoders"]
    assert only["name"] == "catalog"
