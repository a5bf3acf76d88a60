"""Only what is drawn may run; what does not serve may say what it would have done; the bandit says what it believes."""

from __future__ import annotations

from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.allocation.models.regressions import FEWEST
from ltrr_cli.core.errors import UsageError
from ltrr_cli.workspace.workspace import Workspace
from tests.small_workspace import searches, write_catalog, write_log


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learnt")
    workspace = ltrr_cli.open(folder / "home")
    workspace.index([write_catalog(folder / "catalog.jsonl")])
    workspace.ingest([write_log(folder / "log.jsonl", searches(120))])
    return folder / "home"


def opened(home: Path, tmp_path: Path, **flags: object) -> Workspace:
    import shutil

    shutil.copytree(home, tmp_path / "home")
    return Workspace(tmp_path / "home", **flags)


@pytest.mark.turns(4)
def test_only_what_is_drawn_runs_and_its_odds_are_not_known(learnt: Path, tmp_path: Path):
    flags = {"allocation__run": "drawn", "allocation__audit": 0.0, "allocation__policy": "fixed(lexical=1,popular=1)"}
    workspace = opened(learnt, tmp_path, **flags)
    page = workspace.query("love river", live=True)
    assert page.plan.ran == ("lexical", "popular")
    assert all(line.odds is None and set(line.sources) <= {"lexical", "popular"} for line in page.results)
    kept = workspace.state.journal.impression(page.impression_id)
    assert kept is not None
    assert kept.page_odds is None
    assert all(line.odds is None and not line.places for line in kept.shown or ())


def test_an_audit_runs_all_the_same(learnt: Path, tmp_path: Path):
    workspace = opened(learnt, tmp_path, allocation__run="drawn", allocation__audit=0.3)
    pages = [workspace.query("love river", seed=seed, live=True) for seed in range(60)]
    audited = [page for page in pages if page.plan.ran is None]
    assert 5 <= len(audited) <= 35
    assert all(line.odds is not None for page in audited for line in page.results)


@pytest.mark.turns(4)
def test_a_click_on_what_was_drawn_still_teaches(learnt: Path, tmp_path: Path):
    workspace = opened(learnt, tmp_path, allocation__run="drawn", allocation__audit=0.0)
    page = workspace.query("love river", live=True, seed=3)
    before = workspace.state.snapshot().policy.model.examples
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id,
                      "timestamp": workspace.state.journal.impression(page.impression_id).time_ms + 1000})  # fmt: skip
    workspace.ingest([write_log(tmp_path / "none.jsonl", [])])
    again = ltrr_cli.open(tmp_path / "home")
    again.rebuild()
    assert again.state.snapshot().policy.model.examples > min(
        before - 1, FEWEST
    )  # the log is years old: some is forgotten


def test_shadows_are_journalled_and_explained(learnt: Path, tmp_path: Path):
    workspace = opened(learnt, tmp_path, allocation__shadow="squarecb", ranking__shadow="fusion")
    page = workspace.query("calm", live=True)
    told = workspace.explain(page.impression_id)
    assert [shadow.name for shadow in told.shadows] == ["squarecb(gamma=500)", "fusion"]
    assert sum(told.shadows[0].draws.values()) == sum(page.plan.draws.values())
    assert list(told.shadows[1].page) == [line.id for line in page.results]  # fusion serves: no ranker was trained
    assert "squarecb(gamma=500)" in workspace.status().shadows


def test_a_shadow_that_is_nobody_is_refused_or_named(learnt: Path, tmp_path: Path):
    workspace = opened(learnt, tmp_path, allocation__shadow="nobody")
    with pytest.raises(UsageError):
        workspace.query("calm")
    other = Workspace(tmp_path / "home", ranking__shadow="ranker-7")
    other.query("calm")
    assert "ranker-7" in "".join(other.query("calm").warnings)


def test_the_bandit_says_what_it_believes(learnt: Path, tmp_path: Path):
    workspace = opened(learnt, tmp_path)
    page = workspace.query("love river", live=True)
    told = workspace.explain(page.impression_id)
    assert [line.strategy for line in told.beliefs] == list(page.plan.draws)
    assert all(0 <= line.found <= 1 and line.because for line in told.beliefs)
    found = workspace.status(bandit=True)
    assert [line.strategy for line in found.worth] == list(found.strategies)
    assert any(line.rewarded > 0 for line in found.worth)
    assert all(line.brought > 0 for line in found.worth if line.strategy == "related")  # it got the others' hits
    assert {"constant", "tokens", "weekend", "personal.profile", "past.success"} <= set(found.features)
    assert all(line.only <= line.rewarded for line in found.worth)
    assert found.beliefs
    assert not workspace.status().worth
    assert not workspace.status().features
