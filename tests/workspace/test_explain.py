"""The funnel of one search: from the catalog to what somebody chose."""

from __future__ import annotations

from pathlib import Path

from ltrr_cli.core.types import Entity
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import write_catalog


def test_the_funnel_narrows_and_its_parts_are_those_of_the_page(workspace: Workspace):
    page = workspace.query("love river", k=8, budget=40, seed=3)
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[2].id})
    told = workspace.explain(page.impression_id or "")
    stages = {stage.stage: stage for stage in told.funnel}
    assert list(stages) == ["catalog", "may bring", "on the page", "only one had", "chosen"]
    assert [stages[name].entities for name in ("catalog", "may bring", "on the page", "chosen")] == [120, 40, 8, 1]
    assert stages["may bring"].strategies == dict(page.plan.draws)
    for name, count in stages["on the page"].strategies.items():
        assert count == sum(name in line.sources for line in page.results)
    alone = [line for line in page.results if len(line.sources) == 1]
    assert stages["only one had"].entities == len(alone)
    assert stages["chosen"].strategies == {name: int(name in page.results[2].sources) for name in page.plan.draws}
    assert told.as_json()["funnel"][0] == {"stage": "catalog", "entities": 120, "strategies": {}}


def test_what_is_only_believed_of_an_entity_is_told(tmp_path: Path):
    entities = [
        Entity(f"e{n:02}", f"Record {n}", text=text, attributes={} if n == 0 else {"genre": genre})
        for n in range(40)
        for genre, text in [("jazz", "quiet brass and brushes") if n % 2 == 0 else ("punk", "loud strings and spikes")]
    ]
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl", entities)])
    page = workspace.query("jazz", k=40)
    told = {line.id: line.inferred for line in workspace.explain(page.impression_id or "").page}
    assert [(guess.field, guess.value) for guess in told["e00"]] == [("genre", "jazz")]
    assert 0.0 < told["e00"][0].score <= 1.0
    assert told["e02"] == ()
