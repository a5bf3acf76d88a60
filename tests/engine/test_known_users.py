"""Who asks by a name finds what is called so, whatever they did before."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import ltrr_cli
from ltrr_cli.core.clock import MINUTE, iso
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Entity
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS
from tests.small_workspace import write_log

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace

PEOPLE, EACH = 60, 16
MOODS = {mood: [song for song in SONGS if song.attributes["mood"] == (mood,)] for mood in ("calm", "loud", "sad")}


def taste(person: int) -> list[Entity]:
    return list(MOODS.values())[person % 3]


def acted(person: int, number: int, song: Entity, kind: str, query: str) -> dict:
    line = {"event": kind, "timestamp": iso(DAY_0 + number * MINUTE), "user_id": f"u{person}", "entity_id": song.id}
    return line | ({"query": query} if query else {})


def log_of(back: float, kind: str = "like", query: str = "") -> list[dict]:
    """Invent people of three tastes who come back to something with a chance, else choose something new."""
    chance, past = generator("known users"), {person: list[Entity]() for person in range(PEOPLE)}
    lines = []
    for number in range(PEOPLE * EACH):
        person = number % PEOPLE
        mine = past[person]
        new = [song for song in taste(person) if song not in mine] or list(taste(person))
        pool = mine if mine and chance.random() < back else new
        song = pool[int(chance.integers(len(pool)))]
        mine.append(song)
        lines.append(acted(person, number, song, kind, query))
    return lines


LOGS = {
    "never come back": log_of(0.0),
    "come back mostly": log_of(0.6, "play"),
    "now and then, after a search": log_of(0.3, "click", "piece"),
}


@pytest.fixture(scope="module", params=list(LOGS))
def fed(request: pytest.FixtureRequest, indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = tmp_path_factory.mktemp("known users") / "home"
    shutil.copytree(indexed, home)
    workspace = ltrr_cli.open(home)
    workspace.ingest([write_log(home.parent / "log.jsonl", LOGS[request.param])])
    return workspace


def place(workspace: Workspace, query: str, user: str | None, wanted: str) -> int:
    page = workspace.query(query, k=100, user=user, log=False, explore=False, seed=0)
    return next((line.position for line in page.results if line.id == wanted), 101)


@pytest.mark.parametrize("person", [0, 4, 11, 23, 38])
def test_an_exact_name_is_first_for_who_used_it_and_for_who_did_not(fed: Workspace, person: int):
    used = {line["entity_id"] for line in LOGS["never come back"] if line["user_id"] == f"u{person}"}
    strange = [song for song in SONGS if song.id not in used]
    for song in [*(song for song in SONGS if song.id in used), *strange[::20]]:
        assert place(fed, song.title, f"u{person}", song.id) == 1


def test_known_people_gain_on_topics(fed: Workspace):
    def liked(user: str | None, person: int) -> float:
        page = fed.query("piece", k=10, user=user, log=False, explore=False, seed=0)
        return float(np.mean([any(song.id == line.id for song in taste(person)) for line in page.results]))

    people = range(0, PEOPLE, 4)
    known = np.mean([liked(f"u{person}", person) for person in people])
    assert known > np.mean([liked(None, person) for person in people]) + 0.2
