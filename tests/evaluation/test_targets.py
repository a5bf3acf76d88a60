"""Off-policy values from the journal: exact odds, live traffic only, no click that speaks for its own page."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context
from ltrr_cli.engine.search import answer
from ltrr_cli.evaluation.ope import from_journal
from ltrr_cli.evaluation.targets import collect, earned
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0
from tests.small_workspace import searches, write_log

pytestmark = pytest.mark.turns(8, together=True)  # its tests share what is dear to make

QUERIES = ("love river", "night road", "summer rain", "gold", "calm", "love", "sad night", "rain gold")
BUDGET, PAGE = 12, 10


def worth(query: str, entity: str) -> float:
    """How likely an entity is chosen where it is looked at: known, as no real listener's is."""
    return float(generator("worth", query, entity).beta(0.4, 1.6))


@pytest.fixture(scope="module")
def lived(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Four hundred live searches within a second, clicked by the position-based model when all are answered."""
    home = tmp_path_factory.mktemp("lived") / "home"
    shutil.copytree(indexed, home)
    off = ("memory", "popular", "popular_lexical", "structured", "fuzzy")
    workspace = Workspace(home, retrieval__off=off, allocation__exploration=0.4)
    chance, clicks = generator("listeners"), Workspace(home)  # what answers learns nothing of these
    for number in range(400):
        query = QUERIES[int(chance.integers(0, len(QUERIES)))]
        who = {"user": f"u{number}", "session": f"s{number // 2}"}
        page = workspace.query(query, k=PAGE, budget=BUDGET, at=DAY_0 + number, seed=number, **who)
        for line in page.results:
            if chance.random() < worth(query, line.id) / line.position:
                click = {"event": "click", "impression_id": page.impression_id, "entity_id": line.id}
                clicks.record({**click, "timestamp": DAY_0 + 60_000})
    return workspace


def test_the_places_of_a_line_hold_its_odds_and_never_add_up_to_more_than_its_inclusion(lived: Workspace):
    several = 0
    for impression in lived.state.journal.impressions():
        assert impression.plan.odds - 1e-12 <= impression.page_odds <= 1.0 + 1e-12
        for line in impression.shown:
            assert line.places[line.position] == pytest.approx(line.odds)
            assert sum(line.places.values()) <= line.inclusion + 1e-9
            assert line.odds >= impression.page_odds - 1e-12
            several += len(line.places) > 1
    assert several > 50


def test_a_system_judged_by_its_own_log_is_worth_what_it_earned(lived: Workspace):
    logged = collect(lived.state, ["hazard"])
    weighed = logged.exposures["hazard"]
    assert weighed.weight == pytest.approx(1.0)
    assert weighed.carried() == pytest.approx(weighed.mass)
    assert logged.page_weight["hazard"] == pytest.approx(1.0)
    for name in ("ips", "snips", "dr", "slate"):
        report = from_journal(lived.state, ["hazard"], estimator=name)
        assert report.policies["hazard"].value == pytest.approx(report.policies["logged"].value, rel=0.02)


def test_a_policy_without_exploration_is_worth_what_it_truly_is(lived: Workspace):
    snapshot = lived.state.snapshot()
    policy = snapshot.policy
    truth = []
    for impression in lived.state.journal.impressions():
        context = Context(impression.time_ms, impression.user, impression.session)
        found = answer(snapshot, impression.query, context, k=PAGE, budget=BUDGET, explore=False, policy=policy)
        page = [snapshot.catalog.ids[int(row)] for row in found.candidates.rows[found.page]]
        truth.append(sum(worth(impression.query, entity) / place for place, entity in enumerate(page, 1)))
    report = from_journal(lived.state, ["hazard(exploration=0)"])
    found = report.policies["hazard(exploration=0)"]
    assert found.estimator == "dr"
    assert found.low <= float(np.mean(truth)) <= found.high
    assert report.sessions == 200


def test_a_policy_that_shows_what_was_never_shown_is_refused(lived: Workspace):
    found = from_journal(lived.state, ["fixed(explore=1)"]).policies["fixed(explore=1)"]
    assert found.value is found.low is found.high is None
    assert found.unsupported > 0.2
    assert "never shows" in found.refused or "effective" in found.refused


def test_only_live_traffic_counts(tmp_path: Path, indexed: Path):
    shutil.copytree(indexed, tmp_path / "home")
    workspace = Workspace(tmp_path / "home")
    workspace.query("love", live=False)
    workspace.ingest([write_log(tmp_path / "log.jsonl", searches(30))])
    with pytest.raises(DataError, match="30 imported"):
        from_journal(workspace.state)
    for number in range(5):
        workspace.query("love", seed=number)
    report = from_journal(workspace.state, ["hazard"])
    assert report.searches == 5
    assert sum(report.left_out.values()) == 31
    assert report.policies["hazard"].refused.startswith("effective sample size 5.0 of 5")


def test_a_page_without_places_is_weighed_by_its_position_alone(lived: Workspace, monkeypatch: pytest.MonkeyPatch):
    known = collect(lived.state, ["uniform"]).exposures["uniform"]
    every = [replace(impression, shown=tuple(replace(line, places={}) for line in impression.shown))
             for impression in lived.state.journal.impressions()]  # fmt: skip
    monkeypatch.setattr(type(lived.state.journal), "impressions", lambda journal, **bounds: iter(every))
    alone = collect(lived.state, ["uniform"]).exposures["uniform"]
    assert alone.carried().mean() <= known.carried().mean() + 1e-9
    assert from_journal(lived.state, ["hazard"]).policies["hazard"].value == pytest.approx(
        from_journal(lived.state, ["hazard"]).policies["logged"].value, rel=0.05
    )


def test_a_click_moves_no_weight_of_an_earlier_search(lived: Workspace, tmp_path: Path):
    shutil.copytree(lived.home, tmp_path / "home")
    workspace = Workspace(tmp_path / "home", allocation__exploration=0.4)
    before = collect(workspace.state, ["hazard", "uniform"])
    first = next(workspace.state.journal.impressions())
    entity = first.shown[-1].entity_id
    workspace.record({"event": "click", "impression_id": first.impression_id, "entity_id": entity,
                      "timestamp": DAY_0 + 200})  # fmt: skip
    after = collect(workspace.state, ["hazard", "uniform"])
    for name in ("hazard", "uniform"):
        one, other = before.exposures[name], after.exposures[name]
        earlier = one.search <= 200
        assert one.weight[earlier].tolist() == other.weight[earlier].tolist()
        assert one.mass[:201].tolist() == other.mass[:201].tolist()
    assert before.exposures["hazard"].weight.tolist() != after.exposures["hazard"].weight.tolist()


def test_a_seed_and_filters_that_were_given_are_given_again(tmp_path: Path, indexed: Path):
    shutil.copytree(indexed, tmp_path / "home")
    workspace = Workspace(tmp_path / "home", allocation__exploration=0.4)
    for number in range(40):
        filters = ["type=album"] if number % 2 else []
        workspace.query("love night", k=PAGE, budget=BUDGET, at=DAY_0, seed=number, filters=filters)
    assert collect(workspace.state, ["hazard"]).exposures["hazard"].weight == pytest.approx(1.0)
    first = next(i for i in workspace.state.journal.impressions() if i.seed == 1)
    assert [(one.field, one.op, one.value) for one in first.filters] == [("type", "=", "album")]


def test_searches_before_a_moment_are_left_out(lived: Workspace):
    moment = DAY_0 + 200
    late = from_journal(lived.state, ["uniform"], since_ms=moment)
    assert late.searches == 200
    assert late.left_out == {"before --from": 200}


def test_one_line_of_a_page_earns_once(lived: Workspace):
    from ltrr_cli.learning.timeline import outcomes

    past = list(outcomes(lived.state.journal, lived.settings))
    assert earned([*past, *past]) == earned(past)
    assert all(value == 1.0 for value in earned(past).values())


def test_what_does_not_apply_is_said(lived: Workspace):
    with pytest.raises(UsageError, match="pi does not apply"):
        from_journal(lived.state, estimator="pi")
    with pytest.raises(UsageError, match="uniform odds"):
        from_journal(lived.state, ["uniform"], estimator="replay")
    with pytest.raises(UsageError, match="no ranker"):
        from_journal(lived.state, ["uniform/nobody"])
    with pytest.raises(UsageError, match="no estimator"):
        from_journal(lived.state, estimator="best")


def test_another_ranker_may_be_judged(lived: Workspace):
    report = from_journal(lived.state, ["hazard/fusion", "hazard/serving"])
    assert report.policies["hazard/fusion"].value == report.policies["hazard/serving"].value  # fusion serves here


def test_swapped_pages_are_weighed_by_the_odds_of_their_swaps(tmp_path: Path, indexed: Path):
    shutil.copytree(indexed, tmp_path / "home")
    off = ("memory", "popular", "popular_lexical", "structured", "fuzzy")
    given = {"retrieval__off": off, "allocation__exploration": 0.4}
    swapping = Workspace(tmp_path / "home", ranking__swap=1.0, **given)
    chance, clicks = (
        generator("swapped listeners"),
        Workspace(tmp_path / "home"),
    )  # what answers learns nothing of these
    for number in range(200):
        query = QUERIES[int(chance.integers(0, len(QUERIES)))]
        page = swapping.query(query, k=5, budget=BUDGET, at=DAY_0 + number, seed=number, session=f"s{number}")
        for line in page.results:
            if chance.random() < worth(query, line.id) / line.position:
                click = {"event": "click", "impression_id": page.impression_id, "entity_id": line.id}
                clicks.record({**click, "timestamp": DAY_0 + 60_000})
    same = collect(swapping.state, ["hazard"])
    assert same.exposures["hazard"].weight == pytest.approx(1.0)
    assert same.page_weight["hazard"] == pytest.approx(1.0)
    assert min(impression.page_odds for impression in swapping.state.journal.impressions()) < 0.5
    # judged without swaps: importance weights of whole pages average to 1 and their own mass is carried
    still = collect(Workspace(tmp_path / "home", **given).state, ["hazard"])
    assert float(still.page_weight["hazard"].mean()) == pytest.approx(1.0, abs=0.35)
    carried = float(still.exposures["hazard"].carried().mean() / still.exposures["hazard"].mass.mean())
    assert carried == pytest.approx(1.0, abs=0.05)
