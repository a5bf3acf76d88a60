"""Pages with rules: pinned lines have odds 1, the others exact ones, and learning is not told a lie."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.types import AppliedRule, Context, Impression, Outcome, Shown
from ltrr_cli.engine.ruled_page import rules_for, without_pins
from ltrr_cli.engine.rules import Rule, RuleSet
from ltrr_cli.engine.search import answer
from ltrr_cli.learning.credit import served_example
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS

K = 8


@pytest.fixture(scope="module")
def home(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(indexed, tmp_path_factory.mktemp("ruled") / "home"))


@pytest.fixture
def workspace(home: Path):
    yield Workspace(home, ranking__swap=0.6, retrieval__budget=30)
    (home / "rules.toml").unlink(missing_ok=True)


def write(workspace: Workspace, *rules: dict) -> None:
    lines = []
    for rule in rules:
        lines.append("[[rule]]")
        for key, value in rule.items():
            told = (
                "{" + ", ".join(f"{json.dumps(k)} = {v}" for k, v in value.items()) + "}"
                if isinstance(value, dict)
                else json.dumps(value)
            )
            lines.append(f"{key} = {told}")
    (workspace.home / "rules.toml").write_text("\n".join(lines) + "\n")


def test_pinned_lines_stand_where_they_are_pinned_with_odds_1(workspace: Workspace):
    plain = [line.id for line in workspace.query("love river", k=K, seed=3).results]
    pins = [song.id for song in SONGS if song.id not in plain][:2]
    write(workspace, {"name": "top", "query": "love river", "pin": pins[:1]},
          {"name": "third", "contains": "river", "pin": pins[1:], "at": 3})  # fmt: skip
    page = workspace.query("love river", k=K, seed=3)
    assert page.rules == ("top", "third")
    assert [(line.position, line.pinned_by) for line in page.results if line.pinned_by] == [(1, "top"), (3, "third")]
    assert [line.position for line in page.results] == list(range(1, K + 1))
    assert all(line.odds == 1.0 and not line.sources for line in page.results if line.pinned_by)
    assert [line.id for line in page.results if not line.pinned_by] == plain[: K - 2]
    assert workspace.query("night", k=K, seed=3).rules == ()


def test_blocked_entities_stay_away_and_a_block_beats_a_pin(workspace: Workspace):
    best = workspace.query("love river", k=K, seed=3).results[0].id
    write(workspace, {"name": "a", "pin": [best]}, {"name": "b", "query": "love river", "block": [best]})
    assert best not in [line.id for line in workspace.query("love river", k=K, seed=3).results]
    assert workspace.query("night", k=K, seed=3).results[0].id == best


def test_a_boost_moves_what_it_names_and_synonyms_find_what_the_words_do_not(workspace: Workspace):
    write(workspace, {"name": "a", "query": "love river", "boost": {"type=album": 900.0}})
    page = workspace.query("love river", k=5, seed=3, explore=False)
    assert {line.type for line in page.results} == {"album"}
    write(workspace, {"name": "s", "query": "zzqx", "synonyms": ["summer"]})
    page = workspace.query("zzqx", k=5, seed=3, explore=False)
    assert any("summer" in line.title for line in page.results)


def test_pins_respect_filters_hidden_entities_and_pages(workspace: Workspace):
    album, track = SONGS[0], SONGS[1]
    write(workspace, {"name": "a", "pin": [album.id, track.id, "none"]})
    page = workspace.query("love", k=4, seed=3, filters=["type=track"])
    assert [line.id for line in page.results if line.pinned_by] == [track.id]
    second = workspace.query("love", k=4, page=2, seed=3)
    assert [line.position for line in second.results] == [5, 6, 7, 8]
    assert not any(line.pinned_by for line in second.results)
    assert not any(line.pinned_by for line in workspace.query("love", k=4, sort="-year", seed=3).results)


def test_a_page_of_nothing_but_pins_is_certain(workspace: Workspace):
    write(workspace, {"name": "a", "pin": [song.id for song in SONGS[:5]]})
    page = workspace.query("love", k=3, seed=3)
    assert [line.id for line in page.results] == [song.id for song in SONGS[:3]]
    assert workspace.state.journal.impression(page.impression_id).page_odds == 1.0


@pytest.mark.turns(4)
def test_the_odds_of_a_page_with_pins_match_a_hundred_thousand_redraws(workspace: Workspace):
    snapshot = workspace.state.snapshot()
    pins = (SONGS[7].id, SONGS[9].id)
    rules = RuleSet.of([Rule("a", pin=pins[:1]), Rule("b", pin=pins[1:], at=3), Rule("c", block=(SONGS[3].id,))])
    page = rules_for(rules, snapshot.catalog, "love river", (), 0, frozenset(), K)
    context = Context(snapshot.clock_ms)
    found = answer(snapshot, "love river", context, k=K - 2, budget=30, seed=5, hidden=page.away, boost=page.boost)
    base = found.pages(K - 2)
    stands = {line.entity_id: line for _, line in page.merged(
        list(zip(found.page.tolist(), found.shown(snapshot), strict=True)))}  # fmt: skip
    redraws, dice = 100_000, np.random.default_rng(1)
    shares = np.bincount(dice.choice(len(base), redraws, p=found.menu.odds), minlength=len(base))
    ids = [snapshot.catalog.ids[int(row)] for row in found.candidates.rows]
    at: Counter[tuple[str, int]] = Counter()
    pages: Counter[tuple[int, ...]] = Counter()
    free = page.left(K)
    for line, count in zip(base, shares.tolist(), strict=True):
        for number in range(count):
            pages[tuple(found.paging.shown(line[line >= 0], int(dice.integers(2**62)) + number).tolist())] += 1
    for drawn, count in pages.items():
        assert found.odds_of(np.array(drawn, np.int32)) == pytest.approx(count / redraws, abs=0.01)
        for position, place in enumerate(drawn):
            at[ids[place], free[position]] += count
    assert sum(found.odds_of(np.array(drawn, np.int32)) for drawn in pages) == pytest.approx(1.0, abs=0.01)
    assert {(pins[0], 1), (pins[1], 3)} == {(one, stands[one].position) for one in pins}
    for entity, line in stands.items():
        if entity not in pins:
            for position, chance in line.places.items():
                assert at[entity, position] / redraws == pytest.approx(chance, abs=0.01)
            assert 1 not in line.places
            assert 3 not in line.places
    # every position is taken by somebody: over all candidates the chances sum to 1
    total = np.zeros(K + 1)
    for chances in found.stands(K - 2).values():
        for number, chance in enumerate(chances):
            total[free[number]] += chance
    assert np.allclose(total[[2, 4, 5, 6, 7, 8]], 1.0)


def test_a_click_on_a_pinned_line_credits_no_strategy_but_is_remembered(workspace: Workspace):
    pinned = SONGS[20].id
    write(workspace, {"name": "stripes", "query": "zebra", "pin": [pinned]})
    page = workspace.query("zebra", k=4, seed=3)
    logged = workspace.state.journal.impression(page.impression_id)
    line = next(line for line in logged.shown if line.entity_id == pinned)
    assert (line.odds, line.inclusion, dict(line.ranks), dict(line.places)) == (1.0, 1.0, {}, {1: 1.0})
    assert np.isnan(logged.features[0]).all()
    assert [rule.name for rule in logged.rules] == ["stripes"]
    log = workspace.home / "clicks.jsonl"
    log.write_text(json.dumps({"event": "click", "timestamp": "2030-01-01", "impression_id": page.impression_id,
                               "entity_id": pinned}))  # fmt: skip
    workspace.ingest([log])
    (rule,) = workspace.rules().rules
    assert (rule.pages, rule.chosen, rule.earned) == (1, 1, 1.0)
    told = workspace.explain(page.impression_id)
    assert told.page[0].pinned_by == "stripes"
    assert told.rules[0].pinned == (pinned,)
    assert workspace.remembered("zebra").lines[0].id == pinned
    other = next(line for line in logged.shown if line.ranks)
    taught = [
        served_example(
            workspace.state.snapshot(),
            Outcome("e", one.entity_id, "zebra", logged.time_ms, 1.0, impression_id=page.impression_id,
                    ranks=one.ranks, inclusion=one.inclusion),
            logged,
        )
        for one in (line, other)
    ]  # fmt: skip
    assert [example is not None for example in taught] == [False, True]


def test_a_rule_that_learning_has_made_needless_is_named(workspace: Workspace):
    best = workspace.query("love river", k=3, explore=False, log=False).results[0].id
    worst = SONGS[-1].id
    write(workspace, {"name": "good", "query": "love river", "pin": [best]},
          {"name": "odd", "query": "love river", "pin": [worst]})  # fmt: skip
    good, odd = workspace.rules().rules
    assert (good.learned, good.needless) == (1, True)
    assert not odd.needless


def test_check_says_what_the_catalog_has_not(workspace: Workspace):
    write(workspace, {"name": "a", "pin": ["none"], "boost": {"colour=red": 2.0, "gone": 2.0}, "until": "x"})
    (workspace.home / "rules.toml").write_text(
        '[[rule]]\nname = "a"\nuntil = 2001-01-01\npin = ["none"]\nboost = {"colour=red" = 2.0, "gone" = 2.0}\n'
    )
    found = workspace.check_rules()
    said = " | ".join(told for _, told in found.odd)
    assert (found.rules, found.in_force) == (1, 0)
    for part in ("nobody owns it", "ended on 2001-01-01", "pins 'none'", "colour", "boosts 'gone'"):
        assert part in said


def test_a_page_without_its_pins_is_the_page_as_it_was_drawn():
    shown = (Shown("p", 1, None, 1.0, 1.0, {}, {1: 1.0}), Shown("a", 2, 1.0, 0.5, 0.5, {"x": 1}, {2: 0.5, 3: 0.5}))
    page = Impression("i", 0, "q", "live", shown=shown, features=np.ones((2, 3), np.float32),
                      rules=(AppliedRule("r", ("p",)),))  # fmt: skip
    (line,) = without_pins(page).shown
    assert (line.entity_id, line.position, dict(line.places)) == ("a", 1, {1: 0.5, 2: 0.5})
    assert without_pins(page).features.shape == (1, 3)
