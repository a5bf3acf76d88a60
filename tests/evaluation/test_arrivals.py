"""Some of the catalog arrives in mid-stream; everything learns within the simulation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.charts.svg import write_picture
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.types import Entity
from ltrr_cli.evaluation import arrivals as module
from ltrr_cli.evaluation.arrivals import WITH, WITHOUT, ArrivalsReport, arrivals
from ltrr_cli.evaluation.newcomers import described
from ltrr_cli.workspace.workspace import Workspace

pytestmark = pytest.mark.turns(4, together=True)  # its tests share what is dear to make


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dozen probes are enough to see that they are asked."""
    monkeypatch.setattr(module, "PROBES", 12)


@pytest.fixture
def report(workspace: Workspace, queries: Path, qrels: Path) -> ArrivalsReport:
    return arrivals(workspace.state, queries=queries, qrels=qrels, share=0.2, before=40, searches=60, budget=8)


def test_both_systems_have_a_curve_from_the_arrival_to_the_end(report: ArrivalsReport, tmp_path: Path):
    assert list(report.systems) == [WITH, WITHOUT]
    assert report.arrived == 24
    for of in report.systems.values():
        assert [at for at, _, _ in of.curve] == [0, 15, 30, 45, 60]
        assert of.curve[-1][1:] == (of.recall, of.clicks)
        assert 0.0 <= of.recall <= 1.0
    assert report.gain == pytest.approx(report.systems[WITH].recall - report.systems[WITHOUT].recall)
    write_picture(tmp_path / "curves.svg", report)
    assert WITHOUT in (tmp_path / "curves.svg").read_text()


def test_the_same_seed_gives_the_same_report_and_the_workspace_stays(
    workspace: Workspace, queries: Path, qrels: Path, report: ArrivalsReport
):
    before = workspace.status()
    again = arrivals(workspace.state, queries=queries, qrels=qrels, share=0.2, before=40, searches=60, budget=8)
    assert replace(again, seconds=0.0) == replace(report, seconds=0.0)
    assert workspace.status() == before


def test_nobody_sees_a_newcomer_before_it_came_and_only_one_system_explores(
    workspace: Workspace, queries: Path, qrels: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[bool, frozenset[str], tuple[str, ...]]] = []
    genuine = module.answer

    def noted(snapshot, query, context, **given):  # type: ignore[no-untyped-def]
        found = genuine(snapshot, query, context, **given)
        ids = {snapshot.catalog.ids[row] for row in found.candidates.rows.tolist()}
        assert not ids & given["hidden"]
        created = {snapshot.catalog.created_ms[row] for row in found.candidates.rows.tolist()}
        assert max(created) <= context.time_ms
        asked.append((given["explore"], given["hidden"], found.bandit_context.strategies))
        return found

    monkeypatch.setattr(module, "answer", noted)
    arrivals(workspace.state, queries=queries, qrels=qrels, share=0.2, before=10, searches=10, budget=8)
    streamed = [(hidden, names) for explore, hidden, names in asked if explore]
    assert [len(hidden) for hidden, _ in streamed] == 2 * [*[24] * 10, *[0] * 10]
    assert {"fresh", "explore"} <= set(streamed[0][1])
    assert not {"fresh", "explore"} & set(streamed[-1][1])


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 0.9}, {"searches": 0}, {"budget": 0}, {"seeds": 0}, {"known": "?"}]
)
def test_numbers_out_of_range_are_usage_errors(workspace: Workspace, wrong: dict[str, object]):
    with pytest.raises(UsageError):
        arrivals(workspace.state, **({"searches": 10} | wrong))


CATALOG = [Entity(str(row), f"title {row}", "song", f"text {row}", {"mood": f"m{row}"}, 5.0) for row in range(4)]


@pytest.mark.parametrize(
    ("how", "title", "text", "mood"),
    [("whole", "title 1", "text 1", "m1"), ("title", "title 1", "", None), ("nothing", "1", "", None),
     ("wrong", "title 1", "text 3", "m3")],
)  # fmt: skip
def test_newcomers_come_without_popularity_and_with_what_is_said_of_them(
    how: str, title: str, text: str, mood: str | None
):
    found = list(described(CATALOG, np.array([3, 1]), how, 70))
    assert (found[1].title, found[1].text, found[1].attributes.get("mood")) == (title, text, mood)
    assert [one.popularity for one in found] == [5.0, None, 5.0, None]
    assert [one.created_ms for one in found] == [None, 70, None, 70]
    assert found[0] is CATALOG[0]


def test_of_whom_nothing_is_said_is_not_found_by_the_words_of_the_catalog(workspace: Workspace):
    whole, nothing = (
        arrivals(workspace.state, share=0.2, before=5, searches=5, budget=8, known=known).systems[WITHOUT].recall
        for known in ("whole", "nothing")
    )
    assert nothing <= whole / 2
