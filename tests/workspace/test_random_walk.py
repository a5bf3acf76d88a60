"""Whatever commands somebody types, in whatever order: what they leave is sound and answers without a warning."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ltrr_cli.core.clock import MINUTE
from ltrr_cli.core.errors import NotFoundError
from ltrr_cli.workspace.workspace import Workspace
from tests.conftest import DAY_0, SONGS
from tests.small_workspace import searches, write_log


@dataclass
class Walk:
    """A workspace, and all that somebody may do with it; every step publishes, or refuses in words."""

    workspace: Workspace
    folder: Path
    dice: random.Random
    count: int = 0
    steps: dict[str, Callable[[], object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("ingest", "ask", "train", "promote", "put_fusion", "back", "rollback", "rebuild", "forget", "gc")
        self.steps = {name: getattr(self, name) for name in names}

    def ingest(self) -> None:
        self.count += 1
        log = searches(20, start=DAY_0 + self.count * 1_000 * MINUTE)
        self.workspace.ingest([write_log(self.folder / f"log{self.count}.jsonl", log)])

    def ask(self) -> None:
        page = self.workspace.query("love river", k=3, user="u1")
        self.workspace.record({"event": "click", "impression_id": page.impression_id, "entity_id": page.results[0].id})

    def train(self) -> None:
        asked, judgments = self.folder / "queries.jsonl", self.folder / "qrels.tsv"
        words = ("love", "river", "night", "road", "summer", "rain", "gold")
        texts = [f"{first} {second}" for first in words for second in words if first != second]
        asked.write_text(
            "".join(json.dumps({"query_id": f"q{n}", "text": text}) + "\n" for n, text in enumerate(texts))
        )
        wanted = [(n, song) for n, text in enumerate(texts) for song in SONGS if song.title.startswith(text)]
        judgments.write_text("".join(f"q{n} 0 {song.id} 1\n" for n, song in wanted))
        self.workspace.train(algorithm="linear", judgments=(asked, judgments))

    def promote(self) -> None:
        names = [card.name for card in self.workspace.models().models]
        if names:
            self.workspace.promote(self.dice.choice(names))

    def put_fusion(self) -> None:
        self.workspace.promote("fusion")

    def back(self) -> None:
        self.workspace.promote()

    def rollback(self) -> None:
        self.workspace.rollback()

    def rebuild(self) -> None:
        self.workspace.rebuild()

    def forget(self) -> None:
        self.workspace.forget(user=f"u{self.dice.randrange(50)}")

    def gc(self) -> None:
        self.workspace.gc(keep=self.dice.randrange(3))

    def update(self) -> None:
        path = self.folder / "more.jsonl"
        path.write_text(json.dumps({"id": f"new:{self.dice.randrange(9)}", "title": "Calm New River"}) + "\n")
        self.workspace.index([path], update=True)

    def take(self, name: str) -> str:
        try:
            (self.steps | {"update": self.update})[name]()
        except NotFoundError as error:  # nothing served before, no older generation: said in words, nothing changed
            return f"{name}: {error}"
        return name

    def check(self, taken: list[str]) -> None:
        for workspace in (self.workspace, Workspace(self.workspace.home)):
            found = workspace.verify()
            assert found.ok, (taken, found.damaged)
            assert workspace.status().damaged == (), taken
            page = workspace.query("love", k=1, log=False)
            assert (page.warnings, len(page.results)) == ((), 1), taken
        assert all(check.ok for check in self.workspace.doctor().checks if check.name != "disk space"), taken


def walked(indexed: Path, folder: Path, seed: int, *, steps: int, update: bool) -> None:
    walk = Walk(Workspace(shutil.copytree(indexed, folder / "home")), folder, random.Random(seed))
    taken: list[str] = []
    names = [*walk.steps, *(["update"] if update else [])]
    for name in ("ingest", "train", "promote", "put_fusion", *walk.dice.choices(names, k=steps)):
        taken.append(walk.take(name))
        walk.check(taken)


@pytest.mark.turns(6)
def test_every_state_that_commands_leave_is_sound(indexed: Path, tmp_path: Path):
    walked(indexed, tmp_path, 1, steps=8, update=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_every_state_that_many_commands_leave_is_sound(indexed: Path, tmp_path: Path, seed: int):
    walked(indexed, tmp_path, seed, steps=25, update=True)
