"""The loop: index, query, ingest, train - and what must hold of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.core.errors import DamagedError, DataError, LockedError, NotFoundError, UsageError
from ltrr_cli.core.types import Context, Reading
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import LEAST
from ltrr_cli.ranking.fusion import FROM_CATALOG, OTHERS, OTHERS_OF_CATALOG, PRETRAINED
from ltrr_cli.storage.lock import publication
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS
from tests.small_workspace import searches, write_catalog

Log = Callable[[list[dict]], Path]


def test_a_title_is_found_at_once(workspace: Workspace):
    assert workspace.query(SONGS[30].title, k=3).results[0].id == SONGS[30].id


def test_an_empty_query_is_a_request_for_recommendations(workspace: Workspace):
    assert len(workspace.query("").results) == 10


def test_a_page_says_where_each_result_comes_from_and_with_which_odds(workspace: Workspace):
    page = workspace.query("love river", k=5)
    assert sum(page.plan.draws.values()) == 200
    for place, line in enumerate(page.results, 1):
        assert line.position == place
        assert 0 < line.odds <= 1
        assert line.sources
        assert all(source.rank >= 1 for source in line.sources.values())


def test_the_same_seed_repeats_the_draw(workspace: Workspace):
    first, second = (workspace.query("night", seed=5, log=False) for _ in range(2))
    assert (first.plan, [line.id for line in first.results]) == (second.plan, [line.id for line in second.results])


def test_filters_hold_and_never_return_fewer_than_exist(workspace: Workspace):
    page = workspace.query("love", k=100, filters=["type=album", "mood=calm"])
    wanted = {e.id for e in SONGS if e.type == "album" and e.attributes["mood"] == ("calm",)}
    assert {line.id for line in page.results} == wanted


def test_an_impression_is_journalled_and_explained(workspace: Workspace):
    page = workspace.query("love", user="u", k=3)
    workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[1].id})
    told = workspace.explain(page.impression_id or "")
    assert (told.query, told.user, told.plan) == ("love", "u", page.plan)
    assert [line.actions for line in told.page] == [(), ("click",), ()]


def test_without_a_log_nothing_is_journalled(workspace: Workspace):
    assert workspace.query("love", log=False).impression_id is None
    assert workspace.status().impressions == 0


@pytest.mark.turns(4)
def test_a_click_on_a_served_page_teaches_memory_and_bandit(workspace: Workspace):
    blank = answer(workspace.state.snapshot(), "zzyzx", Context(0), k=1, budget=50, explore=False)
    clicked = set()
    for number in range(30):
        page = workspace.query("zzyzx", user=f"u{number}", k=10, seed=number)
        clicked.add(page.results[0].id)
        workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id})
    workspace.ingest([_empty(workspace)])
    taught = answer(workspace.state.snapshot(), "zzyzx", Context(0), k=1, budget=50, explore=False)
    assert workspace.query("zzyzx", k=1, explore=False).results[0].id in clicked
    assert workspace.status().memory_pairs == len(clicked)
    assert taught.plan.draws != blank.plan.draws


@pytest.mark.turns(6)
def test_feedback_makes_the_answers_better(workspace: Workspace, log: Log):
    path = log(searches())
    before = _hits(workspace)
    report = workspace.ingest([path])
    assert (report.accepted, report.outcomes) == (400, 400)
    assert _hits(workspace) > before + 10


@pytest.mark.turns(6)
def test_the_same_log_again_changes_nothing(workspace: Workspace, log: Log):
    path = log(searches())
    workspace.ingest([path])
    digest = workspace.status().journal_digest
    again = workspace.ingest([path])
    assert (again.accepted, again.duplicates) == (0, 400)
    assert workspace.status().journal_digest == digest


@pytest.mark.turns(6)
def test_shuffled_and_split_logs_teach_the_same(indexed: Path, tmp_path: Path):
    import random
    import shutil

    lines = searches(200)
    shuffled = lines[:]
    random.Random(0).shuffle(shuffled)
    states = []
    for name, parts in (("whole", [lines]), ("split", [shuffled[:70], shuffled[70:]])):
        home = tmp_path / name
        shutil.copytree(indexed, home)
        workspace = ltrr_cli.open(home)
        for number, part in enumerate(parts):
            path = tmp_path / f"{name}{number}.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in part))
            workspace.ingest([path])
        manifest = json.loads(
            (home / "learned" / f"{workspace.state.current().learned:04d}" / "MANIFEST.json").read_text()
        )
        states.append({name: file["sha256"] for name, file in manifest["files"].items()})
    assert states[0] == states[1]


@pytest.mark.turns(6)
def test_a_ranker_is_trained_and_serves_only_if_better(workspace: Workspace, log: Log):
    workspace.ingest([log(searches(250))])
    report = workspace.train()
    assert {"trained", "serving"} <= set(report.measures)
    assert report.promoted == (workspace.status().ranker != "fusion")
    again = workspace.train(dry_run=True)
    assert not again.promoted


def test_too_few_searches_train_nothing(workspace: Workspace, log: Log):
    workspace.ingest([log(searches(20))])
    report = workspace.train()
    assert not report.promoted
    assert "needed" in report.reason


def test_the_clock_is_the_data_s_own(workspace: Workspace, log: Log):
    lines = searches(50)
    workspace.ingest([log(lines)])
    assert workspace.state.snapshot().clock_ms >= workspace.state.snapshot().catalog.newest_ms()
    assert workspace.state.snapshot().clock_ms < 1_700_100_000_000  # 2023: years before the wall clock


@pytest.mark.turns(6)
def test_an_update_keeps_entities_encoder_and_what_was_learnt(workspace: Workspace, log: Log, tmp_path: Path):
    workspace.ingest([log(searches())])
    pairs = workspace.status().memory_pairs
    new = tmp_path / "new.jsonl"
    new.write_text('{"id": "song:new", "title": "Entirely Fresh"}\n')
    gone = tmp_path / "gone.txt"
    gone.write_text("song:119\n")
    report = workspace.index([new], update=True, delete=gone)
    assert (report.entities, report.deleted) == (120, 1)
    assert workspace.query("entirely fresh", k=1).results[0].id == "song:new"
    assert workspace.status().memory_pairs >= pairs - 20
    assert _hits(workspace) > 10


def test_a_catalog_with_too_many_bad_lines_publishes_nothing(workspace: Workspace, tmp_path: Path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"id": "a", "title": "A"}\nnonsense\n')
    before = workspace.state.current()
    with pytest.raises(DataError, match="1 of 2 lines are bad"):
        workspace.index([bad])
    assert workspace.state.current() == before
    assert "nonsense" in (workspace.home / "quarantine" / "catalog.jsonl").read_text()


def test_errors_name_themselves(workspace: Workspace, tmp_path: Path):
    with pytest.raises(NotFoundError):
        ltrr_cli.open(tmp_path / "nowhere").query("x")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(NotFoundError):
        workspace.explain("nobody")
    with pytest.raises(UsageError):
        workspace.query("x", k=0)
    with pytest.raises(UsageError):
        workspace.query("x", budget=2**63)
    with pytest.raises(UsageError):
        workspace.query("x", filters=["colour=red"])
    with publication(workspace.home, "index"), pytest.raises(LockedError, match="ltrr index"):
        workspace.index([write_catalog(tmp_path / "again.jsonl")])


def test_a_damaged_memory_is_named_and_the_page_stays(workspace: Workspace, log: Log):
    workspace.ingest([log(searches(60))])
    newest = sorted((workspace.home / "learned").glob("*/memory/pairs.table"))[-1]
    newest.write_bytes(newest.read_bytes()[:-10])
    again = ltrr_cli.open(workspace.home)
    page = again.query(SONGS[30].title, k=1)
    assert page.results[0].id == SONGS[30].id
    assert any("pairs.table" in warning for warning in page.warnings)
    assert not again.verify().ok


def test_a_damaged_catalog_stops(workspace: Workspace):
    path = workspace.home / "catalog" / "0001" / "columns" / "titles.blob.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match="titles"):
        ltrr_cli.open(workspace.home).query("x")


@pytest.mark.turns(4)
def test_nothing_shown_has_odds_zero_and_redraws_match_the_odds(workspace: Workspace):
    """Chi-square over seeded redraws of whole answers; 10^5 of the draw alone stand in tests/contracts."""
    snapshot, count = workspace.state.snapshot(), 400
    seen: dict[tuple[int, ...], int] = {}
    odds: dict[tuple[int, ...], float] = {}
    for seed in range(count):
        found = answer(snapshot, "love night", Context(snapshot.clock_ms), k=10, budget=20, seed=seed)
        draws = tuple(found.plan.draws.values())
        seen[draws] = seen.get(draws, 0) + 1
        odds[draws] = found.plan.odds
        assert (found.odds > 0).all()
        assert (found.candidates.inclusion[found.page] > 0).all()
        assert found.included[found.drawn][found.page].all()
    assert sum(odds.values()) == pytest.approx(1.0)
    expected = np.array([odds[draws] * count for draws in seen])
    observed = np.array(list(seen.values()))
    assert ((observed - expected) ** 2 / expected).sum() < 22.5  # 99.9 % with at most 6 degrees of freedom


def _hits(workspace: Workspace) -> int:
    """How many of the twenty slang queries show their song first."""
    pages = [
        workspace.query(f"slangword{chr(97 + slang)} please", k=1, explore=False, log=False) for slang in range(20)
    ]
    return sum(page.results[0].id == SONGS[slang * 5 + 3].id for slang, page in enumerate(pages))


def _empty(workspace: Workspace) -> Path:
    path = workspace.home.parent / "empty.jsonl"
    path.write_text("")
    return path


def test_full_text_and_encoder_lead_for_topics_and_not_for_names(workspace: Workspace):
    snapshot = workspace.state.snapshot()
    names = snapshot.enabled()
    two = [names.index("lexical"), names.index("dense")]
    topic, name = (Reading(("love",), intent={what: 1.0}) for what in ("topic", "spearfishing"))
    own = snapshot.fusion_weights(names, name)
    for encoder, most, others in (("catalog", FROM_CATALOG, OTHERS_OF_CATALOG), ("minilm", PRETRAINED, OTHERS)):
        snapshot.header = msgspec.structs.replace(snapshot.header, encoder=encoder)
        np.testing.assert_array_equal(own, snapshot.fusion_weights(names, name))
        led = snapshot.fusion_weights(names, topic)
        assert led[two[0]] == pytest.approx(max(own))
        assert led[two[1]] == pytest.approx(
            most * max(own) if encoder == "minilm" else min(most * max(own), own[two[1]])
        )
        np.testing.assert_allclose(np.delete(led, two), others * np.delete(own, two), rtol=1e-5)


def test_what_known_items_say_holds_where_one_of_the_two_is_off(workspace: Workspace):
    snapshot = workspace.state.snapshot()
    names = tuple(name for name in snapshot.enabled() if name != "lexical")
    topic, name = (Reading(("love",), intent={what: 1.0}) for what in ("topic", "spearfishing"))
    np.testing.assert_array_equal(snapshot.fusion_weights(names, topic), snapshot.fusion_weights(names, name))


def test_what_explores_weighs_nothing_and_what_finds_no_known_item_next_to_nothing(workspace: Workspace):
    snapshot = workspace.state.snapshot()
    snapshot.header = msgspec.structs.replace(snapshot.header, fusion={"lexical": 1.0, "explore": 1.0, "fresh": 1.0})
    names = ("lexical", "popular", "explore", "fresh")
    assert snapshot.fusion_weights(names, Reading(("love",))).tolist() == pytest.approx([1.0, LEAST, 0.0, 0.0])


def test_without_words_who_starts_from_a_person_or_an_entity_leads(workspace: Workspace):
    names = ("lexical", "related", "personal", "popular", "explore")
    weights = workspace.state.snapshot().fusion_weights(names, Reading())
    assert weights.tolist() == pytest.approx([LEAST, 1.0, 1.0, LEAST, 0.0])
