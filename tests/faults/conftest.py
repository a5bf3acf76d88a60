"""A workspace so small that it can be broken hundreds of times."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ltrr_cli.workspace.workspace import Workspace
from tests.once import once
from tests.small_workspace import searches, write_catalog, write_log

QUERIES = ("love", "night road", "slangworda please", "slangwordb please", "")


@dataclass(frozen=True)
class Made:
    """A home that was indexed, fed, given a ranker and fed again, and the files for more of it."""

    home: Path
    catalog: Path
    more: Path
    log: Path
    queries: Path
    qrels: Path

    def commands(self) -> dict[str, Callable[[Workspace], object]]:
        """Return every command that writes."""
        return {
            "index": lambda workspace: workspace.index([self.catalog]),
            "update": lambda workspace: workspace.index([self.more], update=True),
            "ingest": lambda workspace: workspace.ingest([self.log]),
            "train": lambda workspace: workspace.train(algorithm="linear", judgments=(self.queries, self.qrels)),
            "rebuild": lambda workspace: workspace.rebuild(),
            "rollback": lambda workspace: workspace.rollback(),
            "gc": lambda workspace: workspace.gc(keep=0),
        }


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = once(tmp_path_factory, "faults", _make)
    return _made(folder)


def _made(folder: Path) -> Made:
    return Made(*(folder / name for name in ("home", "catalog.jsonl", "more.jsonl", "log.jsonl", "q.jsonl", "r.tsv")))


def _make(folder: Path) -> None:
    found = _made(folder)
    lines = write_catalog(folder / "all.jsonl").read_text().splitlines(keepends=True)
    found.catalog.write_text("".join(lines[:15]))
    found.more.write_text("".join(lines[15:18]))
    write_log(found.log, searches(90)[40:])
    ids = [json.loads(line)["id"] for line in lines[:15]]
    titles = [json.loads(line)["title"] for line in lines[:15]]
    asked = [f"{one} {two}" for one in titles for two in titles[:4] if one != two]
    found.queries.write_text(
        "".join(json.dumps({"query_id": f"q{n}", "text": text}) + "\n" for n, text in enumerate(asked))
    )
    found.qrels.write_text(
        "".join(f"q{n} 0 {entity} {int(at > 11)}\n" for n in range(len(asked)) for at, entity in enumerate(ids))
    )
    workspace = Workspace(found.home)
    workspace.index([found.catalog])
    workspace.ingest([write_log(folder / "first.jsonl", searches(40))])
    assert workspace.train(algorithm="linear", judgments=(found.queries, found.qrels)).promoted
    workspace.query("love", seed=1, at="2024-06-01T10:00:00Z")
    workspace.state.journal.close()


def answers(workspace: Workspace) -> tuple[tuple[str, ...], ...]:
    """Return what a workspace answers: equal for equal generations."""
    pages = (workspace.query(text, k=5, log=False, explore=False, seed=1) for text in QUERIES)
    return tuple(tuple(f"{line.id} {line.score:.4f}" for line in page.results) for page in pages)


def state(workspace: Workspace) -> tuple[object, ...]:
    """Return what is served and what is known, whatever the generations' numbers."""
    found = workspace.status()
    return (found.entities, found.events, found.journal_digest, found.ranker, answers(workspace))
