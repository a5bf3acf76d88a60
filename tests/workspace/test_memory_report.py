"""What the memory says of a query, and what a user predicted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ltrr_cli.core.errors import DataError
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace

SONGS = [{"id": f"s{n}", "title": f"song number {n}", "attributes": {"mood": "calm"}} for n in range(12)]


def written(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    predicted = [{"id": "s3", "query": "Rainy Window", "score": 2.0}, {"id": "gone", "query": "x", "score": 1.0}]
    workspace.index([written(tmp_path / "songs.jsonl", SONGS)], predicted=written(tmp_path / "given.jsonl", predicted))
    return workspace


def test_a_given_prediction_answers_its_query_before_any_action(home: Workspace):
    found = home.remembered("rainy window")
    assert [line.id for line in found.lines] == ["s3"]
    assert (found.prior_share, found.actions, found.lines[0].predicted) == (1.0, 0.0, 1.0)


def test_an_update_keeps_given_predictions_and_a_whole_index_does_not(home: Workspace, tmp_path: Path):
    more = written(tmp_path / "more.jsonl", [{"id": "s99", "title": "another"}])
    home.index([more], update=True)
    assert [line.id for line in home.remembered("rainy window").lines] == ["s3"]
    home.index([tmp_path / "songs.jsonl"])
    assert "s3" not in [line.id for line in home.remembered("rainy window").lines]


def test_actions_and_people_are_told_apart_from_predictions(home: Workspace, tmp_path: Path):
    click = {"event": "click", "timestamp": "2024-01-01T00:00:00Z", "entity_id": "s7", "query": "rainy window"}
    log = written(tmp_path / "log.jsonl", [{**click, "user_id": user} for user in ("a", "b", "c")])
    home.ingest([log])
    found = home.remembered("Rainy window!", k=2)
    best = found.lines[0]
    assert (best.id, best.count, best.users, best.last) == ("s7", 3.0, 3, "2024-01-01T00:00:00.000Z")
    assert 0.0 < found.prior_share < 1.0
    assert found.key == "rainywindow"
    assert home.remembered("rainy windw").lines[0].near > 0.0


def test_skips_and_short_visits_count_against_in_whatever_order_logs_come(tmp_path: Path):
    def act(kind: str, entity: str, user: str, minute: int, **more: object) -> dict[str, object]:
        moment = f"2024-01-01T00:{minute:02}:00Z"
        return {"event": kind, "timestamp": moment, "entity_id": entity, "query": "quiet", "user_id": user, **more}

    stayed = [act("click", f"s{n}", user, n, value=60.0) for n in (1, 2, 3) for user in ("a", "b", "c")]
    against = [act("skip", "s1", user, 9) for user in ("d", "e")] + [act("click", "s2", "d", 9, value=2.0)]
    found = []
    for number, parts in enumerate(([stayed, against], [against, stayed], [(against + stayed)[::2], stayed + against])):
        workspace = Workspace(tmp_path / f"home{number}")
        workspace.home.mkdir()
        (workspace.home / "ltrr.toml").write_text("[feedback]\ndwell_seconds = 10.0\n")
        workspace = Workspace(workspace.home)
        workspace.index([written(tmp_path / "songs.jsonl", SONGS)])
        for place, part in enumerate(parts):
            workspace.ingest([written(tmp_path / f"log{number}-{place}.jsonl", part)])
        found.append(
            (workspace.remembered("quiet", k=3).lines, learned_digest(workspace.state, workspace.state.current()))
        )
    lines = found[0][0]
    assert [(line.id, line.count, line.against) for line in lines] == [
        ("s3", 3.0, 0.0), ("s2", 3.0, pytest.approx(0.3)), ("s1", 3.0, pytest.approx(0.6))
    ]  # fmt: skip
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "line",
    ['{"id": "s1"}', '{"id": "s1", "query": "x", "score": 0}', '{"id": "s1", "query": "x", "score": 1e999}', "x"],
)
def test_a_bad_prediction_is_named_and_nothing_is_published(home: Workspace, tmp_path: Path, line: str):
    (tmp_path / "bad.jsonl").write_text('{"id": "s1", "query": "fine", "score": 1}\n' + line + "\n")
    before = home.status().catalog_generation
    with pytest.raises(DataError, match="line 2"):
        home.index([tmp_path / "songs.jsonl"], predicted=tmp_path / "bad.jsonl")
    assert home.status().catalog_generation == before
