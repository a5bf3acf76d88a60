"""A small workspace whose searches want something that no title says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ltrr_cli.core.clock import MINUTE, iso
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Entity
from tests.conftest import DAY_0, SONGS


def write_catalog(path: Path, entities: Sequence[Entity] = SONGS) -> Path:
    lines = [
        {"id": e.id, "title": e.title, "type": e.type, "text": e.text, "attributes": dict(e.attributes),
         "popularity": e.popularity, "created_at": e.created_ms}
        for e in entities
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def searches(count: int = 400, start: int = DAY_0) -> list[dict]:
    """Twenty slang queries, each wanting one song of its own four times in five."""
    chance = generator("searches", count)
    log = []
    for number in range(count):
        slang = int(chance.integers(0, 20))
        wanted = slang * 5 + 3 if chance.random() < 0.8 else int(chance.integers(0, len(SONGS)))
        log.append(
            {"event": "search", "timestamp": iso(start + number * MINUTE), "user_id": f"u{number % 50}",
             "session_id": None, "query": f"slangword{chr(97 + slang)} please", "results": None,
             "clicked": [SONGS[wanted].id]}
        )  # fmt: skip
    return log


def write_settings(home: Path) -> Path:
    """Let a quarter as many searches teach the bandit as by default: each is a retrieval."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "ltrr.toml").write_text("[allocation]\nsample = 100\n")
    return home


def write_log(path: Path, log: list[dict]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in log))
    return path
