"""Words of entities that left the catalog are remembered where people chose them, as long as they are away."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from ltrr_cli.retrieval.sparse.departed_terms import DepartedTerms
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0

pytestmark = pytest.mark.turns(3)  # each builds or learns a workspace

MOODS = ("mellow lofi rain", "harsh drone metal", "brass swing dance")
ALL = range(30)


def indexed(place: Path, numbers: Iterable[int], *, update: bool = False, delete: Iterable[int] = ()) -> Workspace:
    lines = [{"id": f"e{n}", "title": f"Record {n}", "attributes": {"mood": MOODS[n % 3].split()}} for n in numbers]
    catalog, ids = place / "catalog.jsonl", place / "ids.txt"
    catalog.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    ids.write_text("".join(f"e{n}\n" for n in delete), "utf-8")
    workspace = Workspace(place / "home")
    workspace.index([catalog] if lines else [], update=update, delete=ids if update else None)
    return workspace


def choose(workspace: Workspace, place: Path, query: str, number: int, times: int = 4, user: str = "u") -> None:
    log = place / f"log{query}{number}{user}.jsonl"
    searches = [
        {"event": "search", "timestamp": DAY_0 + n * 60_000, "user_id": f"{user}{n}", "session_id": f"{user}{n}{query}",
         "query": query, "results": None, "clicked": [f"e{number}"]}
        for n in range(times)
    ]  # fmt: skip
    log.write_text("".join(json.dumps(search) + "\n" for search in searches), "utf-8")
    workspace.ingest([log])


def remembered(workspace: Workspace) -> list[str]:
    folder = workspace.state.generations.folder("catalog", workspace.state.current().catalog)
    return sorted(DepartedTerms.words(folder / "sparse"))


def first(workspace: Workspace, query: str) -> set[str]:
    page = workspace.query(query, log=False, explore=False, k=5)
    return {line.id for line in page.results}


@pytest.mark.parametrize("update", [False, True])
def test_a_query_whose_choices_are_all_gone_finds_what_is_like_them(tmp_path: Path, update: bool):
    workspace = indexed(tmp_path, ALL)
    choose(workspace, tmp_path, "bedtime", 4)  # harsh
    if update:
        workspace = indexed(tmp_path, (), update=True, delete=[4, 5])
    else:
        workspace = indexed(tmp_path, [n for n in ALL if n not in (4, 5)])
    assert remembered(workspace) == ["e4"], "nobody acted on e5"
    found = first(workspace, "bedtime")
    assert len(found) == 5
    assert found <= {f"e{n}" for n in ALL if n % 3 == 1}


def test_it_is_remembered_over_generations_until_it_comes_back(tmp_path: Path):
    workspace = indexed(tmp_path, ALL)
    choose(workspace, tmp_path, "bedtime", 4)
    rest = [n for n in ALL if n != 4]
    for number in (7, 8):
        workspace = indexed(tmp_path, [n for n in rest if n != number])
        assert "e4" in remembered(workspace)
    workspace = indexed(tmp_path, ALL)
    assert remembered(workspace) == []
    assert "e4" in first(workspace, "bedtime")


def test_what_is_forgotten_tells_nothing_any_more(tmp_path: Path):
    workspace = indexed(tmp_path, ALL)
    choose(workspace, tmp_path, "bedtime", 4, times=1, user="someone")
    choose(workspace, tmp_path, "noise", 6)
    workspace = indexed(tmp_path, [n for n in ALL if n != 4])
    assert first(workspace, "bedtime")
    workspace.forget(user="someone0")
    memory = workspace.remembered("bedtime")
    assert memory.near_actions == 0
    workspace = indexed(tmp_path, [n for n in ALL if n != 4])
    assert remembered(workspace) == [], "the next index lets go of its words"


def test_only_so_many_are_remembered_those_chosen_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ltrr_cli.indexing.departed.MOST", 1)
    workspace = indexed(tmp_path, ALL)
    choose(workspace, tmp_path, "bedtime", 4, times=2)
    choose(workspace, tmp_path, "noise", 5, times=3)
    workspace = indexed(tmp_path, [n for n in ALL if n not in (4, 5)])
    assert remembered(workspace) == ["e5"]
