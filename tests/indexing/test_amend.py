"""An update keeps what did not change, and comes to what a whole build comes to."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.core.errors import DataError
from ltrr_cli.core.progress import quiet
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, Entity
from ltrr_cli.engine.search import answer
from ltrr_cli.engine.snapshot import CatalogHeader, Snapshot, header_of, open_snapshot
from ltrr_cli.indexing import amend
from ltrr_cli.indexing.build import EncoderChoice, build_generation
from ltrr_cli.learning.fold import Fold
from ltrr_cli.learning.timeline import rewards_of
from ltrr_cli.retrieval.sparse.departed_terms import DepartedTerms
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import SONGS
from tests.small_workspace import searches, write_catalog, write_log

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace

WORDS = ("river", "night", "blue", "stone", "Größe", "c++", "3.5", "train-spotting", "x100")
# whose files are equal, byte by byte
SAME = ("columns", "understanding", "memory", "related", "lexical", "sparse", "structured")


def generation(workspace: Workspace) -> Path:
    state = workspace.state
    return state.generations.folder("catalog", state.current().catalog)


def whole(workspace: Workspace, folder: Path) -> Path:
    """Build what is current as a whole, with its encoder, what known items taught, and the departed."""
    now = generation(workspace)
    folder.mkdir()
    entities = list(Columns.open(now / "columns").entities())
    settings, choice = workspace.state.settings, EncoderChoice("catalog", keep=now / "encoder")
    build_generation(entities, folder, settings, choice, quiet, departed=DepartedTerms.words(now / "sparse"))
    shutil.copy(now / "generation.json", folder)
    shutil.rmtree(folder / "policy")
    shutil.copytree(now / "policy", folder / "policy")
    return folder


def page(snapshot: Snapshot, query: str) -> list[str]:
    found = answer(snapshot, query, Context(snapshot.clock_ms), k=10, budget=100, explore=False)
    return [snapshot.catalog.ids[int(found.candidates.rows[place])] for place in found.page.tolist()]


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for part in SAME:
        for path in sorted((folder / part).rglob("*.*")):
            if path.is_file() and path.parent.name != "fulltext":  # whose segments have names of their own
                yield str(path.relative_to(folder)), path.read_bytes()


def changes(entities: dict[str, Entity], turn: int) -> tuple[list[Entity], list[str]]:
    """Some entities changed, some new, some to be deleted; ``entities`` becomes what is left."""
    chance = generator("changes", turn)
    ids = sorted(entities)
    some = [ids[place] for place in chance.choice(len(ids), 3, replace=False).tolist()]
    gone = some[:1] if turn % 2 else []
    changed = [replace(entities[one], title=f"{entities[one].title} {chance.choice(WORDS)}") for one in some[1:]]
    fresh = replace(SONGS[turn], id=f"{'a' if turn % 3 else 'z'}{turn}", title=f"{chance.choice(WORDS)} {turn}")
    for one in (*changed, fresh):
        entities[one.id] = one
    for one in gone:
        del entities[one]
    return [*changed, fresh], gone


def updated(workspace: Workspace, changed: Sequence[Entity], gone: Sequence[str], place: Path) -> str | None:
    (place / "gone.txt").write_text("".join(f"{one}\n" for one in gone))
    catalog = write_catalog(place / "changes.jsonl", changed)
    return workspace.index([catalog], update=True, delete=place / "gone.txt").whole


@pytest.fixture
def indexed(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "home")
    workspace.index([write_catalog(tmp_path / "catalog.jsonl")])
    return workspace


def test_updates_and_deletions_come_to_the_files_and_pages_of_a_whole_build(
    indexed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(amend, "SHARE", 1.0)
    indexed.ingest([write_log(tmp_path / "log.jsonl", searches(60))])
    entities = {song.id: song for song in SONGS}
    for turn in range(6):
        assert updated(indexed, *changes(entities, turn), tmp_path) is None
        if turn not in (2, 5):
            continue
        now, anew = generation(indexed), whole(indexed, tmp_path / f"whole{turn}")
        assert [entity.id for entity in Columns.open(now / "columns").entities()] == sorted(entities)
        told, expected = dict(files(now)), dict(files(anew))
        assert [name for name in expected if told.get(name) != expected[name]] == []
        learned = indexed.state.generations.folder("learned", indexed.state.current().learned)
        settings = indexed.state.settings
        for of in (None, learned):
            amended, other = open_snapshot(settings, now, of), open_snapshot(settings, anew, of)
            for query in [song.title for song in SONGS[:20]] + [*WORDS, "slangworda please", "rver nigth", ""]:
                assert page(amended, query) == page(other, query)
    assert indexed.verify().ok


def test_the_catalog_digest_is_that_of_a_whole_index(indexed: Workspace, tmp_path: Path):
    entities = {song.id: song for song in SONGS}
    assert updated(indexed, *changes(entities, 1), tmp_path) is None
    other = Workspace(tmp_path / "other")
    report = other.index([write_catalog(tmp_path / "whole.jsonl", list(entities.values()))])
    assert report.catalog_digest == indexed.state.catalog_digest()


def test_what_is_learnt_on_top_of_an_update_is_what_is_learnt_on_top_of_a_whole_build(
    indexed: Workspace, tmp_path: Path
):
    log = write_log(tmp_path / "log.jsonl", searches(60))
    entities = {song.id: song for song in SONGS}
    assert updated(indexed, *changes(entities, 1), tmp_path) is None
    indexed.ingest([log])
    assert indexed.rebuild().same
    anew = whole(indexed, tmp_path / "whole")
    state = indexed.state
    snapshot = open_snapshot(state.settings, anew, None, serving=False)
    fold = Fold(snapshot, rewards_of(state.journal, state.settings))
    fold.run(state.journal)
    learnt = tmp_path / "learnt"
    learnt.mkdir()
    fold.save(learnt, state.journal, state.current().catalog)()
    told = state.generations.folder("learned", state.current().learned)
    names = [path.relative_to(learnt) for path in sorted(learnt.rglob("*")) if path.is_file()]
    assert len(names) > 10
    assert [name for name in names if (told / name).read_bytes() != (learnt / name).read_bytes()] == []


def test_known_items_and_the_encoder_are_kept(indexed: Workspace, tmp_path: Path):
    def header() -> CatalogHeader:
        return msgspec.json.decode((generation(indexed) / "generation.json").read_bytes(), type=CatalogHeader)

    before, table = header(), (generation(indexed) / "encoder" / "table.npy").read_bytes()
    assert updated(indexed, [replace(SONGS[3], title="Another")], [SONGS[4].id], tmp_path) is None
    assert header() == msgspec.structs.replace(before, changed=2)
    assert (generation(indexed) / "encoder" / "table.npy").read_bytes() == table


def test_what_comes_again_unchanged_counts_as_unchanged(indexed: Workspace, tmp_path: Path):
    assert updated(indexed, SONGS, [], tmp_path) is None


def test_many_changes_are_a_whole_build_and_changes_add_up(indexed: Workspace, tmp_path: Path):
    few = [replace(song, title=f"{song.title} anew") for song in SONGS[: len(SONGS) // 12]]
    assert updated(indexed, few, [], tmp_path) is None
    more = [replace(song, title=f"{song.title} again") for song in SONGS[: len(SONGS) // 12]]
    reason = updated(indexed, more, [], tmp_path)
    assert reason is not None
    assert "changed since the last whole build" in reason
    assert updated(indexed, few, [], tmp_path) is None  # counted from the whole build on


def test_every_replaced_added_and_deleted_entity_is_a_change(indexed: Workspace, tmp_path: Path):
    changed = [replace(SONGS[3], title="Another"), replace(SONGS[0], id="new")]
    assert updated(indexed, changed, [SONGS[4].id, SONGS[5].id], tmp_path) is None
    assert header_of(generation(indexed)).changed == 4


def test_an_entity_that_was_deleted_and_comes_again_is_as_new(indexed: Workspace, tmp_path: Path):
    assert updated(indexed, [], [SONGS[4].id], tmp_path) is None
    assert updated(indexed, [replace(SONGS[4], title="Zanzibar")], [], tmp_path) is None
    assert header_of(generation(indexed)).changed == 2
    assert page(indexed.state.snapshot(), "zanzibar")[0] == SONGS[4].id


def test_what_changed_beside_the_texts_is_told_too(indexed: Workspace, tmp_path: Path):
    other = replace(SONGS[3], type="zither", popularity=1e6, attributes={"mood": "quaint"})
    assert updated(indexed, [other], [], tmp_path) is None
    now, anew = generation(indexed), whole(indexed, tmp_path / "whole")
    told, expected = dict(files(now)), dict(files(anew))
    assert [name for name in expected if told.get(name) != expected[name]] == []
    assert page(indexed.state.snapshot(), "quaint")[0] == other.id


def test_other_settings_are_a_whole_build(indexed: Workspace, tmp_path: Path):
    (tmp_path / "home" / "ltrr.toml").write_text('[catalog]\nlanguage = "de"\n')
    reason = updated(Workspace(tmp_path / "home"), [replace(SONGS[3], title="Another")], [], tmp_path)
    assert reason is not None
    assert reason.startswith("settings")


def test_another_encoder_is_a_whole_build(indexed: Workspace, tmp_path: Path):
    catalog = write_catalog(tmp_path / "changes.jsonl", [replace(SONGS[3], title="Another")])
    assert indexed.index([catalog], update=True, refit=True).whole == "another encoder"


def test_an_update_that_fails_leaves_the_generation_before_answering(
    indexed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before, told = indexed.state.current(), page(indexed.state.snapshot(), SONGS[30].title)

    def full(*_: object) -> None:
        raise DataError("stopped in the middle")

    monkeypatch.setattr("ltrr_cli.retrieval.memory.memory.predict", full)
    with pytest.raises(DataError):
        updated(indexed, [replace(SONGS[30], title="Another")], [], tmp_path)
    opened = Workspace(tmp_path / "home").state
    assert opened.current() == before
    assert page(opened.snapshot(), SONGS[30].title) == told


def test_pages_of_the_sample_are_those_of_a_whole_build(sample_home: Path, tmp_path: Path):
    workspace = Workspace(shutil.copytree(sample_home, tmp_path / "home"))
    with gzip.open(sample_path("catalog.jsonl.gz"), "rt") as lines:
        records = [json.loads(line) for line in lines]
    chance = generator("sample changes")
    few = [records[place] for place in chance.choice(len(records), len(records) // 100, replace=False).tolist()]
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps({**one, "title": one["title"] + " again"}) + "\n" for one in few))
    assert workspace.index([path], update=True).whole is None
    settings, anew = workspace.state.settings, whole(workspace, tmp_path / "whole")
    amended, other = (open_snapshot(settings, folder, None) for folder in (generation(workspace), anew))
    titles = [records[place]["title"] for place in chance.choice(len(records), 100, replace=False).tolist()]
    same = sum(page(amended, title) == page(other, title) for title in titles)
    assert same >= 97  # what the encoder would have learnt of the changes may swap neighbours far down a page
