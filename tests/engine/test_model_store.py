"""Trained rankers are kept with their cards; one serves, and there is a way back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError, UsageError
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.ranking.model import Schema
from ltrr_cli.ranking.trained import open_model
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_catalog, write_log


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two rankers, trained from judgments that prefer the higher numbers."""
    tmp_path = tmp_path_factory.mktemp("models")
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl")])
    words = ["love", "river", "night", "road", "summer", "rain", "gold", "calm", "sad", "happy", "please"]
    queries = [f"{first} {second}" for first in words for second in words if first < second]
    asked, judgments = tmp_path / "queries.jsonl", tmp_path / "qrels.tsv"
    asked.write_text("".join(json.dumps({"query_id": f"q{n}", "text": text}) + "\n" for n, text in enumerate(queries)))
    lines = []
    for number, text in enumerate(queries):
        found = [line.id for line in workspace.query(text, k=20, log=False, explore=False).results]
        best = sorted(found)[-3:]
        lines += [f"q{number} 0 {entity} {1 if entity in best else 0}\n" for entity in found]
    judgments.write_text("".join(lines))
    for algorithm in ("linear", "pointwise"):
        workspace.train(algorithm=algorithm, judgments=(asked, judgments))
    return workspace.home


@pytest.fixture
def judged(trained_home: Path, tmp_path: Path) -> Workspace:
    """The workspace of ``trained_home``, for one test."""
    return Workspace(shutil.copytree(trained_home, tmp_path / "judged"))


@pytest.mark.turns(4)
def test_every_trained_ranker_is_listed_with_what_it_was_judged_on(judged: Workspace):
    found = judged.models()
    assert [card.name for card in found.models] == ["ranker-2", "ranker-1"]
    assert [card.algorithm for card in found.models] == ["pointwise", "linear"]
    assert {card.source for card in found.models} == {"judgments"}
    card = judged.model("ranker-1")
    assert card.measures["trained"]["nDCG@10"] > card.measures["serving"]["nDCG@10"]
    assert card.won
    assert card.won[0][1] > 0


def test_a_ranker_can_be_taken_out_of_service_and_put_back(judged: Workspace):
    serving = judged.models().serving
    assert judged.promote("fusion") == "fusion"
    assert judged.status().ranker == "fusion"
    with pytest.raises(NotFoundError, match="nobody trained"):
        judged.model()
    assert judged.promote() == serving
    assert judged.models().serving == serving
    assert judged.status().ranker == judged.model(serving).algorithm


def test_where_fusion_was_put_into_service_nothing_is_damaged(judged: Workspace):
    for name in ("fusion", None, "fusion", "fusion", None):
        judged.promote(name)
        again = Workspace(judged.home)
        assert again.verify().ok
        assert again.status().damaged == ()
        assert again.query("love", log=False).warnings == ()
    assert judged.doctor().ok


def test_going_back_twice_goes_back_two_steps(judged: Workspace):
    for name in ("fusion", "ranker-1", "ranker-2"):
        judged.promote(name)
    assert judged.promote() == "ranker-1"
    assert judged.promote() == "fusion"


@pytest.mark.turns(4)
def test_where_nothing_served_before_there_is_no_way_back(tmp_path: Path):
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl")])
    with pytest.raises(NotFoundError, match="nothing served before"):
        workspace.promote()


@pytest.mark.parametrize("name", ["", "ranker", "ranker-x", "../1", "ranker-99999"])
def test_a_name_that_is_none_is_a_usage_error(judged: Workspace, name: str):
    with pytest.raises(UsageError):
        judged.promote(name)
    with pytest.raises(NotFoundError):
        judged.promote("ranker-9")


def test_a_truncated_model_does_not_go_into_service(judged: Workspace):
    serving = judged.models().serving
    path = judged.home / "models" / "0001" / "model.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedError):
        judged.promote("ranker-1")
    assert judged.models().serving == serving
    assert judged.verify().ok


def test_a_ranker_survives_an_update_of_the_catalog_and_new_feedback(judged: Workspace, tmp_path: Path):
    judged.promote("ranker-1")
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "song:new", "title": "Calm New River"}\n')
    judged.index([more], update=True)
    judged.ingest([write_log(tmp_path / "log.jsonl", searches(20))])
    assert judged.models().serving == "ranker-1"
    assert judged.status().ranker == "linear"


def test_a_served_model_that_was_altered_is_named_and_fusion_serves(judged: Workspace):
    judged.promote("ranker-1")
    current = judged.state.current()
    path = judged.state.generations.folder("learned", current.learned) / "ranker" / "model.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again = Workspace(judged.home)
    page = again.query("love", log=False)
    assert page.ranker == "fusion"
    assert any("model.npz" in warning for warning in page.warnings)
    assert not again.verify().ok


def test_the_columns_of_a_search_are_known_before_it(judged: Workspace):
    snapshot = judged.state.snapshot()
    for query in ("", "love", "gold rain please", "2012 +x!"):
        found = answer(snapshot, query, Context(snapshot.clock_ms), k=3, budget=50)
        assert found.schema == snapshot.schema()


def test_a_model_of_other_features_is_named_and_fusion_serves_until_they_are_back(judged: Workspace):
    judged.promote("ranker-1")
    fusion = Workspace(judged.home)
    fusion.promote("fusion")
    plain = Workspace(judged.home, retrieval__off=("fuzzy",)).query("love", seed=1, log=False, explore=False)
    fusion.promote("ranker-1")
    narrower = Workspace(judged.home, retrieval__off=("fuzzy",))
    with pytest.raises(DataError, match=r"ranker-2 cannot serve here: .*fuzzy.rank"):
        narrower.promote("ranker-2")
    page = narrower.query("love", seed=1, log=False, explore=False)
    assert page.ranker == narrower.status().ranker == "fusion"
    assert [line.score for line in page.results] == [line.score for line in plain.results]
    for named in (page.warnings, narrower.status().damaged):
        assert any("ranker not used" in line and "fuzzy.rank" in line for line in named)
    report = narrower.verify()
    assert not report.ok
    assert [Path(found.path).name for found in report.damaged] == ["ranker"]
    assert Workspace(judged.home).query("love", log=False).ranker == "linear"
    assert Workspace(judged.home).verify().ok


def test_a_model_whose_columns_were_renamed_does_not_serve(judged: Workspace, tmp_path: Path):
    judged.promote("fusion")
    model = open_model(judged.home / "models" / "0001")
    other = Schema(("stranger.rank", *model.schema.names[1:]))
    shutil.rmtree(judged.home / "models" / "0001")
    with judged.state.publishing("test"), judged.state.generations.draft("models") as draft:
        replace(model, schema=other).save(draft.folder)
    with pytest.raises(DataError, match=r"stranger\.rank"):
        judged.promote(f"ranker-{draft.number}")
    assert Workspace(judged.home).query("love", log=False).ranker == "fusion"
    assert Workspace(judged.home).verify().ok
