"""Going on where a fold stood is the same, to the last bit, as starting over, however a log is cut or mixed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.core.clock import MINUTE, iso
from ltrr_cli.core.seeds import generator
from ltrr_cli.learning import checkpoint, publish
from ltrr_cli.retrieval.counts import sorted_table
from ltrr_cli.storage import segments
from ltrr_cli.workspace.maintenance import learned_digest
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS

pytestmark = pytest.mark.turns(6)  # each builds or learns a workspace

WAYS = 50
WORDS = ("love", "river night", "gold", "slangword", "slangwrd", "calm road 12", "summer")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch):
    """Let few events be worth a checkpoint, and few changes a new base."""
    monkeypatch.setattr(checkpoint, "FEWEST", 40)
    monkeypatch.setattr(segments, "LEAST", 30)
    monkeypatch.setattr(sorted_table, "TAIL", 16)


def happened(count: int, seed: int = 0) -> list[bytes]:
    """A log with all there is: searches, pages and what came of them, named or not, plays, skips and profiles."""
    chance = generator("happened", seed)
    lines: list[dict] = []
    for number in range(count):
        at = DAY_0 + number * 40 * MINUTE + int(chance.integers(0, 30 * MINUTE))
        who = {"user_id": f"u{int(chance.integers(0, 6))}", "session_id": f"s{number // 9}"}
        song, query = SONGS[int(chance.integers(0, 40))].id, WORDS[int(chance.integers(0, len(WORDS)))]
        kind = int(chance.integers(0, 8))
        if kind < 3:
            lines.append({"event": "search", "timestamp": iso(at), **who, "query": query, "results": None,
                          "clicked": [song]})  # fmt: skip
        elif kind < 5:
            page = [SONGS[int(row)].id for row in chance.choice(120, 6, replace=False)]
            shown = [{"id": entity, "position": place} for place, entity in enumerate(page, 1)]
            lines.append({"event": "impression", "impression_id": f"i{number}", "timestamp": iso(at), "query": query,
                          "results": shown, **who})  # fmt: skip
            named = {"impression_id": f"i{number}"} if chance.random() < 0.6 else {}
            for step in range(int(chance.integers(0, 3))):
                lines.append({"event": "click" if step else "skip", "timestamp": iso(at + (step + 1) * MINUTE),
                              "entity_id": page[step], **named, **who})  # fmt: skip
        elif kind == 5:
            lines.append({"event": "click", "timestamp": iso(at), "entity_id": song, "query": query, **who})
        elif kind == 6:
            lines.append({"event": "play", "timestamp": iso(at), "entity_id": song, "value": 3, **who})
        else:
            lines.append({"event": "user", "timestamp": iso(at), "user_id": who["user_id"],
                          "attributes": {"mood": "calm" if number % 2 else "loud"}})  # fmt: skip
    return [json.dumps(line).encode() + b"\n" for line in lines]


def opened(home: Path, folder: Path) -> Workspace:
    return Workspace(shutil.copytree(home, folder), allocation__sample=60)


def learnt(workspace: Workspace) -> str | None:
    return learned_digest(workspace.state, workspace.state.current())


def in_parts(log: list[bytes], seed: int) -> list[list[bytes]]:
    """Cut a log at random places; some lines come parts later than they should, some twice."""
    chance = generator("parts", seed)
    cuts = np.sort(chance.choice(len(log), 5, replace=False))
    of = np.searchsorted(cuts, np.arange(len(log)), "right")
    late = chance.random(len(log)) < 0.04
    of[late] = np.minimum(of[late] + chance.integers(1, 4, int(late.sum())), len(cuts))
    parts = [[line for line, part in zip(log, of.tolist(), strict=True) if part == number] for number in range(6)]
    for part in parts:
        chance.shuffle(part)  # type: ignore[arg-type]
    return [*parts[:3], parts[2][: len(parts[2]) // 2], *parts[3:]]


@pytest.fixture(scope="module")
def whole(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> str | None:
    folder = tmp_path_factory.mktemp("whole")
    workspace = opened(indexed, folder / "home")
    (folder / "log").write_bytes(b"".join(happened(260)))
    workspace.ingest([folder / "log"])
    return learnt(workspace)


@pytest.mark.turns(50)
@pytest.mark.parametrize("seed", range(WAYS))
def test_however_a_log_comes_the_same_is_learnt(indexed: Path, whole: str | None, tmp_path: Path, seed: int):
    workspace = opened(indexed, tmp_path / "home")
    for number, part in enumerate(in_parts(happened(260), seed)):
        (tmp_path / f"{number}").write_bytes(b"".join(part))
        workspace.ingest([tmp_path / f"{number}"])
    assert learnt(workspace) == whole
    assert workspace.rebuild().same


def test_what_is_forgotten_is_as_if_it_had_never_come(indexed: Path, tmp_path: Path):
    log = happened(200, seed=1)
    workspace, honest = opened(indexed, tmp_path / "home"), opened(indexed, tmp_path / "honest")
    for number, part in enumerate(in_parts(log, 9)):
        (tmp_path / f"{number}").write_bytes(b"".join(part))
        workspace.ingest([tmp_path / f"{number}"])
        if number == 3:
            workspace.forget(user="u3")
    workspace.forget(user="u3")
    kept = [line for line in log if b'"u3"' not in line]
    (tmp_path / "kept").write_bytes(b"".join(kept))
    honest.ingest([tmp_path / "kept"])
    assert learnt(workspace) == learnt(honest)
    assert workspace.rebuild().same


def test_only_what_is_new_is_gone_through(indexed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log, counted = happened(260), list[int]()
    learn = publish.Fold.run

    def watched(self: publish.Fold, *given: object) -> None:
        before = self.tally.events
        learn(self, *given)  # type: ignore[arg-type]
        counted.append(self.tally.events - before)

    monkeypatch.setattr(publish.Fold, "run", watched)
    workspace = opened(indexed, tmp_path / "home")
    (tmp_path / "first").write_bytes(b"".join(log[:-12]))
    (tmp_path / "rest").write_bytes(b"".join(log[-12:]))
    workspace.ingest([tmp_path / "first"])
    events, counted[:] = sum(counted), []
    workspace.ingest([tmp_path / "rest"])
    assert 0 < sum(counted) <= 12
    counted.clear()
    late = {"event": "click", "timestamp": iso(DAY_0 + 250 * 40 * MINUTE), "entity_id": SONGS[5].id, "query": "late"}
    (tmp_path / "late").write_text(json.dumps(late) + "\n")
    workspace.ingest([tmp_path / "late"])
    assert 0 < sum(counted) < events / 4
    counted.clear()
    workspace.ingest([tmp_path / "late"])
    assert sum(counted) == 0
    assert workspace.rebuild().same


def test_another_setting_or_another_catalog_starts_over(indexed: Path, tmp_path: Path):
    workspace = opened(indexed, tmp_path / "home")
    (tmp_path / "log").write_bytes(b"".join(happened(150)))
    workspace.ingest([tmp_path / "log"])
    before = learnt(workspace)
    cheap = Workspace(workspace.home, allocation__sample=60, feedback__rewards={"click": 0.5})
    cheap.ingest([tmp_path / "log"])
    assert learnt(cheap) != before
    assert cheap.rebuild().same


def test_checkpoints_that_are_kept_are_few_and_spaced():
    def found(events: int) -> checkpoint.Found:
        known = checkpoint.Checkpoint("me", checkpoint.JournalGrowth(), checkpoint.Position(events), events)
        return checkpoint.Found("learned", events, known)

    there: list[checkpoint.Found] = []
    for events in range(100, 20_001, 100):
        keep = checkpoint.kept([*there, found(events)], "me", events)
        there = [one for one in [*there, found(events)] if (one.kind, one.number) in keep]
        assert len(there) <= 8
        back = sorted(events - one.checkpoint.events for one in there)
        if events > 4_000:
            assert back[0] == 0
            assert any(events / 16 <= one <= events / 4 for one in back)
            assert any(events / 4 <= one for one in back)
