"""Progressive replay: every answer knows only what happened before it, and the figures are those of the run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import MINUTE, iso
from ltrr_cli.core.errors import DataError, UsageError
from ltrr_cli.core.seeds import generator
from ltrr_cli.evaluation import replay as replay_module
from ltrr_cli.evaluation.replay import ReplayReport, replay
from ltrr_cli.feedback.judgments import read_run
from ltrr_cli.learning.train import Trained
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS

Lines = list[dict]


def stream(count: int, seed: int = 0) -> Lines:
    """Slang queries that want one song each; ties in time, clicks that come minutes later, searches without any."""
    chance = generator("stream", seed)
    log = []
    moment = DAY_0
    for number in range(count):
        moment += int(chance.integers(0, 3)) * MINUTE
        slang = int(chance.integers(0, 8))
        wanted = [SONGS[slang * 5 + 3].id] if chance.random() < 0.8 else []
        if chance.random() < 0.3:
            wanted.append(SONGS[int(chance.integers(0, len(SONGS)))].id)
        wanted = list(dict.fromkeys(wanted))
        times = [iso(moment + int(chance.integers(0, 25)) * MINUTE) for _ in wanted]
        log.append(
            {"event": "search", "timestamp": iso(moment), "user_id": f"u{number % 7}", "session_id": None,
             "query": f"slangword{chr(97 + slang)} please", "results": None, "clicked": wanted, "click_times": times}
        )  # fmt: skip
    return log


@pytest.fixture
def played(workspace: Workspace, tmp_path: Path) -> Callable[..., tuple[ReplayReport, dict[str, list[str]]]]:
    def play(lines: Lines, **options: object) -> tuple[ReplayReport, dict[str, list[str]]]:
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        report = replay(workspace.state, [tmp_path / "log.jsonl"], run=tmp_path / "run.trec", **options)
        pages = read_run(tmp_path / "run.trec")
        return report, {query: sorted(page, key=page.get, reverse=True) for query, page in pages.items()}

    return play


Played = Callable[..., tuple[ReplayReport, dict[str, list[str]]]]


def map_at_5(lines: Lines, pages: dict[str, list[str]], since: str = "") -> float:
    """Precision at each clicked entity's rank, from the written run alone."""
    gains = []
    for number, line in enumerate(sorted(lines, key=lambda line: line["timestamp"])):
        if line["timestamp"] >= since:
            for entity in line["clicked"]:
                page = pages[f"s{number:06d}"][:5]
                gains.append(1.0 / (page.index(entity) + 1) if entity in page else 0.0)
    return float(np.mean(gains))


@pytest.mark.turns(4)
def test_the_printed_figure_is_that_of_the_written_run(played: Played):
    lines = stream(120)
    report, pages = played(lines, train_every=0)
    assert len(pages) == 120
    assert report.measures["MAP@5"] == pytest.approx(map_at_5(lines, pages), abs=1e-12)
    assert report.clicks == sum(len(line["clicked"]) for line in lines)
    since = lines[70]["timestamp"]
    report, pages = played(lines, train_every=0, since=since)
    assert report.measures["MAP@5"] == pytest.approx(map_at_5(lines, pages, since), abs=1e-12)
    assert set(pages) == {f"s{number:06d}" for number, line in enumerate(lines) if line["timestamp"] >= since}


@pytest.mark.turns(4)
def test_the_order_of_the_file_does_not_matter_but_ties_keep_it(played: Played):
    lines = sorted(stream(60), key=lambda line: line["timestamp"])
    straight = played(lines, train_every=0)
    apart = [number for number in range(1, 60) if lines[number]["timestamp"] != lines[number - 1]["timestamp"]]
    turned = lines[apart[20] :] + lines[: apart[20]]
    assert played(turned, train_every=0)[1] == straight[1]


@pytest.mark.turns(4)
def test_it_learns(played: Played):
    report, _ = played(stream(300), train_every=0)
    by_stretch = [stretch["MAP@5"] for stretch in report.stretches]
    assert np.mean(by_stretch[-5:]) > by_stretch[0] + 0.2
    assert report.curve[-1]["MAP@5"] == pytest.approx(report.measures["MAP@5"])
    assert report.curve[-1]["searches"] == report.searches


def test_a_search_never_sees_a_click_that_claims_to_be_earlier_than_its_search(played: Played):
    """One slang word asked once: without its own click nothing can put its song first."""
    lines = stream(20)
    alone = {**lines[10], "query": "slangwordzz", "clicked": [SONGS[77].id], "click_times": [iso(DAY_0 - 90 * MINUTE)]}
    lines[10] = alone
    _, with_click = played(lines, train_every=0)
    lines[10] = {**alone, "clicked": [], "click_times": []}
    _, without = played(lines, train_every=0)
    assert with_click["s000010"] == without["s000010"]


def promoted(trained: Trained) -> Trained:
    return dataclasses.replace(trained, better=trained.model is not None)


def mutated(lines: Lines, cut: int, seed: int) -> Lines:
    """Change, drop or move every click that happens after the moment of search ``cut``."""
    chance = generator("mutation", seed)
    moment = lines[cut]["timestamp"]
    changed = []
    for number, line in enumerate(lines):
        pairs = list(zip(line["clicked"], line["click_times"], strict=True))
        kept = [(entity, when) for entity, when in pairs if number <= cut and when < moment]
        for entity, when in pairs:
            if (entity, when) in kept:
                continue
            fate = chance.random()
            later = max(when, moment)
            if fate < 0.6:
                kept.append((SONGS[int(chance.integers(0, len(SONGS)))].id, later))
            elif fate < 0.8:
                kept.append((entity, later))
        known = dict(reversed(kept))
        changed.append({**line, "clicked": list(known), "click_times": list(known.values())})
    return changed


@pytest.mark.turns(6)
@pytest.mark.parametrize(
    ("count", "train_every", "cuts"), [(40, 0, 12), (130, 40, 3), pytest.param(130, 3, 10, marks=pytest.mark.slow)]
)
def test_no_later_click_moves_an_earlier_answer(
    played: Played, monkeypatch: pytest.MonkeyPatch, count: int, train_every: int, cuts: int
):
    """Two hundred cuts are in benchmarks/ope.py; here every ranker that is trained serves, good or not."""
    fit = replay_module.train_model
    monkeypatch.setattr(replay_module, "train_model", lambda *given: promoted(fit(*given)))
    lines = stream(count, seed=count)
    report, before = played(lines, train_every=train_every)
    assert train_every == 0 or report.trained > 0
    chance = generator("cuts", count)
    moved = 0
    for number in range(cuts):
        cut = int(chance.integers(count // 2, count - 1))
        _, after = played(mutated(lines, cut, number), train_every=train_every)
        for place in range(cut + 1):
            assert after[f"s{place:06d}"] == before[f"s{place:06d}"], (cut, place)
        moved += after != before
    assert moved > cuts / 2


def test_the_same_search_twice_is_scored_twice(played: Played):
    lines = stream(10)
    again = {**lines[4], "clicked": [SONGS[9].id], "click_times": [lines[4]["timestamp"]]}
    both = sorted([*lines, again], key=lambda line: line["timestamp"])
    report, pages = played(both, train_every=0)
    assert len(pages) == 11
    assert report.measures["MAP@5"] == pytest.approx(map_at_5(both, pages), abs=1e-12)


def test_clicks_in_lines_of_their_own_are_scored_too(played: Played):
    lines = stream(10)
    page = {"event": "impression", "impression_id": "mine", "timestamp": iso(DAY_0 + 99 * MINUTE), "query": "night",
            "results": [{"id": SONGS[3].id, "position": 1}]}  # fmt: skip
    moment = iso(DAY_0 + 100 * MINUTE)
    click = {"event": "click", "impression_id": "mine", "timestamp": moment, "entity_id": SONGS[3].id}
    report, _ = played([*lines, page, click], train_every=0)
    assert report.clicks == sum(len(line["clicked"]) for line in lines) + 1


def test_undated_searches_learn_in_the_order_of_the_file(played: Played):
    lines = [{**line, "timestamp": None, "click_times": None} for line in stream(200)]
    report, pages = played(lines, train_every=0, undated=True)
    assert len(pages) == 200
    by_stretch = [stretch["MAP@5"] for stretch in report.stretches]
    assert np.mean(by_stretch[-5:]) > by_stretch[0] + 0.2


def test_the_workspace_stays_as_it_is(workspace: Workspace, played: Played):
    before = (workspace.status(), workspace.state.current())
    played(stream(20))
    assert (workspace.status(), workspace.state.current()) == before


def test_a_log_without_a_search_is_refused(played: Played):
    click = {"event": "click", "timestamp": iso(DAY_0), "entity_id": SONGS[0].id, "query": "night"}
    with pytest.raises(DataError, match="no search"):
        played([click])


def test_an_engine_that_nobody_knows_is_refused_before_anything_is_read(workspace: Workspace):
    with pytest.raises(UsageError, match="no engine 'spark'"):
        replay(workspace.state, ["no-such-log.jsonl"], engine="spark")
