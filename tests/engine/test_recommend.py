from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import ltrr_cli
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.workspace.workspace import Workspace


@pytest.fixture
def fed(fed_songs: Path, tmp_path: Path) -> Workspace:
    return ltrr_cli.open(shutil.copytree(fed_songs, tmp_path / "home"))


def busiest(workspace: Workspace) -> str:
    acted: dict[str, int] = {}
    for event, _ in workspace.state.journal.stream():
        if event.user is not None:
            acted[event.user] = acted.get(event.user, 0) + 1
    return max(sorted(acted), key=lambda user: acted[user])


def shown(workspace: Workspace, **asked: object) -> list[str]:
    page = workspace.query(seed=1, log=False, explore=False, k=20, **asked)  # type: ignore[arg-type]
    return [result.id for result in page.results]


def test_people_get_pages_of_their_own_without_a_query(fed: Workspace):
    everybody, nobody = shown(fed), shown(fed, user="nobody")
    mine = fed.query(seed=1, log=False, explore=False, user=busiest(fed), k=20)
    assert nobody == everybody
    assert [result.id for result in mine.results] != everybody
    assert any("personal" in result.sources for result in mine.results)


def test_more_like_an_entity_is_what_goes_with_it(fed: Workspace):
    track = next(entity for entity in fed.state.snapshot().catalog.entities() if entity.type == "track")
    page = fed.query(seed=1, log=False, explore=False, like=track.id, k=10)
    assert page.results[0].sources.keys() >= {"related"}
    assert track.id not in {result.id for result in page.results}
    assert [result.id for result in page.results] != shown(fed)[:10]


def test_what_is_like_nothing_that_there_is_is_not_found(fed: Workspace):
    with pytest.raises(NotFoundError, match="no entity 'nothing' to be like"):
        fed.query(like="nothing", log=False)


def test_the_journal_keeps_what_a_page_was_to_be_like(fed: Workspace):
    entity = fed.state.snapshot().catalog.ids[0]
    page = fed.query(like=entity, live=False)
    assert page.impression_id is not None
    kept = fed.state.journal.impression(page.impression_id)
    assert kept is not None
    assert kept.context == {"like": entity}


def test_a_file_of_questions_may_ask_for_recommendations(fed: Workspace, tmp_path: Path):
    asked, run = tmp_path / "asked.jsonl", tmp_path / "out.trec"
    entity = fed.state.snapshot().catalog.ids[0]
    asked.write_text(f'{{"query_id": "a", "like": "{entity}"}}\n{{"query_id": "b", "user_id": "{busiest(fed)}"}}\n')
    assert fed.query_batch(asked, run, k=5).results == 10
    like = [line.split()[2] for line in run.read_text().splitlines() if line.startswith("a ")]
    assert like == shown(fed, like=entity)[:5]
