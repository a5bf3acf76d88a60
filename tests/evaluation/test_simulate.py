"""Policies side by side over simulated listeners."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.allocation.propensity import filled
from ltrr_cli.charts.svg import write_picture
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.evaluation.contenders import Hindsight
from ltrr_cli.evaluation.simulate import simulate
from ltrr_cli.evaluation.simulated_streams import BEST_FIXED, CEILING, FUSION, INFORMED, SINGLE
from ltrr_cli.evaluation.simulated_users import Retrieval, broken, wishes
from ltrr_cli.evaluation.vowpal import shares
from ltrr_cli.feedback.judgments import read_judged
from ltrr_cli.workspace.workspace import Workspace


def test_the_even_split_finds_what_filling_says(workspace: Workspace, queries: Path, qrels: Path):
    snapshot = workspace.state.snapshot()
    judged = read_judged(queries, qrels, snapshot.clock_ms)
    stream = Retrieval(snapshot, 8).searches(wishes(snapshot, judged, 60, 1), lambda *_: None)
    hindsight = Hindsight(stream, 8)
    count = len(snapshot.enabled())
    even, single = np.ones(count, np.int32), 8 * np.eye(count, dtype=np.int32)[0]
    for draws in (even, single, hindsight.best(count)):
        exact = [s.wanted >= 0 and bool(filled(s.ranks, draws, 8)[s.wanted]) for s in stream]
        assert hindsight.found(draws).tolist() == exact
    assert hindsight.found(hindsight.best(count)).mean() >= hindsight.found(even).mean()


@pytest.mark.turns(4)
def test_the_same_seeds_give_the_same_report(workspace: Workspace, queries: Path, qrels: Path, tmp_path: Path):
    first, second = (
        simulate(workspace.state, ["hazard", "uniform"], queries=queries, qrels=qrels, searches=50, seeds=2, budget=8)
        for _ in range(2)
    )
    assert first.policies["hazard"].recalls == second.policies["hazard"].recalls
    assert list(first.policies) == ["hazard", "uniform", BEST_FIXED, FUSION, SINGLE]
    assert set(first.policies["hazard"].kinds) == {"name", "judged"}
    assert first.policies[BEST_FIXED].regret == 0
    assert all(of.recall <= first.reachable for of in first.policies.values())
    assert sum(first.policies["hazard"].share.values()) == pytest.approx(1.0)
    write_picture(tmp_path / "regret.svg", first)
    assert (tmp_path / "regret.svg").read_text().startswith("<svg xmlns")


@pytest.mark.turns(4)
def test_each_policy_answers_each_stream_with_every_set_of_random_numbers(
    workspace: Workspace, queries: Path, qrels: Path
):
    once, twice = (
        simulate(
            workspace.state, ["hazard", "random"], queries=queries, qrels=qrels, searches=50, seeds=2, budget=4,
            dice=dice,
        ).policies
        for dice in (1, 2)
    )  # fmt: skip
    for name in ("hazard", "random"):
        assert len(twice[name].recalls) == 4
        assert twice[name].recalls[::2] == once[name].recalls, "the first set is that of a single one"
    assert twice["random"].recalls[1::2] != once["random"].recalls
    assert twice[BEST_FIXED] == once[BEST_FIXED], "what nobody draws is answered once"
    with pytest.raises(UsageError):
        simulate(workspace.state, ["hazard"], searches=10, seeds=1, dice=0)


@pytest.mark.turns(4)
def test_the_ceilings_are_told_what_nobody_clicked(workspace: Workspace, queries: Path, qrels: Path):
    report = simulate(
        workspace.state, ["hazard"], queries=queries, qrels=qrels, searches=300, seeds=2, budget=4, ceiling=True
    )
    of = report.policies
    assert list(of) == ["hazard", BEST_FIXED, FUSION, SINGLE, CEILING, INFORMED]
    assert of["hazard"].recall <= of[INFORMED].recall <= report.reachable
    assert 1 <= (of[INFORMED].asked or 0) <= 4, "at most one strategy a candidate"


def test_known_items_stand_in_for_judgments(workspace: Workspace):
    report = simulate(
        workspace.state, ["thompson", "linucb", "random"], searches=40, seeds=1, budget=10, learn_every=10
    )
    assert set(report.policies["thompson"].kinds) == {"known item"}


def test_a_strategy_that_breaks_brings_only_what_nobody_wants(workspace: Workspace, queries: Path, qrels: Path):
    snapshot = workspace.state.snapshot()
    stream = Retrieval(snapshot, 8).searches(
        wishes(snapshot, read_judged(queries, qrels, snapshot.clock_ms), 20, 1), lambda *_: None
    )
    for search in stream:
        spoilt = broken(search, 0, 8)
        assert np.isnan(spoilt.ranks[spoilt.wanted, 0]) or spoilt.wanted < 0
        assert sorted(spoilt.order.tolist()) == list(range(len(spoilt.ranks)))
    report = simulate(
        workspace.state, ["hazard"], queries=queries, qrels=qrels, searches=60, seeds=1, budget=8,
        break_strategy="lexical",
    )  # fmt: skip
    assert report.losses is not None
    assert report.shares is not None
    assert set(report.losses) == {"hazard", BEST_FIXED}
    assert all(0 <= share <= 1 for share in report.shares["hazard"])


@pytest.mark.parametrize(
    ("policies", "wrong"),
    [(["nobody"], {}), (["hazard"], {"seeds": 0}), (["hazard"], {"break_strategy": "nobody"}), (["vw(menu=1)"], {})],
)
def test_bad_arguments_are_usage_errors(workspace: Workspace, policies: list[str], wrong: dict[str, object]):
    with pytest.raises(UsageError):
        simulate(workspace.state, policies, searches=10, **{"seeds": 1} | wrong)


def test_judgments_of_another_catalog_are_told(workspace: Workspace, queries: Path, tmp_path: Path):
    other = tmp_path / "other.tsv"
    other.write_text("n0 0 elsewhere 1\n")
    with pytest.raises(DataError):
        simulate(workspace.state, ["uniform"], queries=queries, qrels=other, searches=10, seeds=1)


@pytest.mark.parametrize("size", [10, 80])
def test_vowpal_wabbit_takes_part(workspace: Workspace, queries: Path, qrels: Path, size: int):
    pytest.importorskip("vowpalwabbit", reason="the extra bench is not installed")
    name = f"vw(menu={size},explore=squarecb)"
    report = simulate(workspace.state, [name], queries=queries, qrels=qrels, searches=30, seeds=1, budget=8)
    assert 0 < report.policies[name].recall <= report.reachable
    assert shares(5, size).shape == (size, 5)
