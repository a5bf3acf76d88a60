"""What all tests share: a small catalog, open columns, an encoder that needs no model."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import ltrr_cli
from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.seeds import generator
from ltrr_cli.core.types import Context, Entity, FloatArray, Reading, Request
from ltrr_cli.retrieval.strategy import Resources
from ltrr_cli.storage.heap import collect_rarely
from ltrr_cli.text.normalise import query_key, query_tokens
from ltrr_cli.workspace.workspace import Workspace
from tests.once import once
from tests.turns import its_turn

DAY_0 = 1_700_000_000_000

# a busy machine makes inputs slowly, which says nothing of what is tested
hypothesis_settings.register_profile("ltrr", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("ltrr")
collect_rarely()  # as every command does


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put off to the slow set what is marked to take turns and whose turn it is not (``tests.turns``)."""
    seen: dict[str, int] = {}
    for item in items:
        mark = item.get_closest_marker("turns")
        if mark is not None:
            together = mark.kwargs.get("together", False)
            test = item.nodeid.partition("::" if together else "[")[0]
            number = seen[test] = 0 if together else seen.get(test, -1) + 1
            if not its_turn(number + sum(test.encode()), mark.args[0]):
                item.add_marker(pytest.mark.slow)


class HashedWords:
    """An encoder of tests: every word is a random direction, a text their sum."""

    name = "hashed-words"
    dimension = 32

    def encode(self, texts: Sequence[str]) -> FloatArray:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for place, text in enumerate(texts):
            for word in query_tokens(text):
                vectors[place] += generator("word", word).standard_normal(self.dimension).astype(np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def song(number: int) -> Entity:
    moods, words = ("calm", "loud", "sad"), ("love", "river", "night", "road", "summer", "rain", "gold")
    title = f"{words[number % 7]} {words[(number // 7) % 7]} {number}"
    return Entity(
        id=f"song:{number:03d}",
        title=title,
        type="track" if number % 3 else "album",
        text=f"A {moods[number % 3]} piece about {words[(number + 2) % 7]}.",
        attributes={"mood": (moods[number % 3],), "year": float(1980 + number % 40)},
        popularity=float(number % 50),
        created_ms=DAY_0 - number * 86_400_000,
    )


SONGS = tuple(sorted((song(number) for number in range(120)), key=lambda entity: entity.id))


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Columns:
    folder = tmp_path_factory.mktemp("songs")
    Columns.build(SONGS, folder)
    return Columns.open(folder)


@pytest.fixture(scope="session")
def resources(songs: Columns) -> Resources:
    return Resources(songs, HashedWords())


def ask(query: str, *, time_ms: int = DAY_0, seed: int = 0, **more: object) -> Request:
    words = tuple(query_tokens(query))
    return Request(query, Context(time_ms), Reading(words, words, query_key(query)), seed, **more)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("LTRR_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"real data absent: {folder} (set LTRR_DATA)")
    return folder


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the sample catalog, indexed once: read it, or copy it."""
    from ltrr_cli.catalog.sample import sample_path

    def index(folder: Path) -> None:
        ltrr_cli.open(folder / "home").index([sample_path("catalog.jsonl.gz")])

    return once(tmp_path_factory, "sample", index) / "home"


@pytest.fixture(scope="session")
def fed_home(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after the sample's feedback: read it, or copy it."""
    from ltrr_cli.catalog.sample import sample_path

    def ingest(folder: Path) -> None:
        shutil.copytree(sample_home, folder / "home")
        ltrr_cli.open(folder / "home").ingest([sample_path("feedback.jsonl.gz")])

    return once(tmp_path_factory, "fed", ingest) / "home"


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with settings (``write_settings``) and the songs indexed: copy it."""
    from tests.small_workspace import write_catalog, write_settings

    def index(folder: Path) -> None:
        ltrr_cli.open(write_settings(folder / "home")).index([write_catalog(folder / "catalog.jsonl")])

    return once(tmp_path_factory, "songs", index) / "home"


@pytest.fixture(scope="session")
def fed_songs(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after two hundred searches: copy it."""
    from tests.small_workspace import searches, write_log

    def ingest(folder: Path) -> None:
        shutil.copytree(indexed, folder / "home")
        ltrr_cli.open(folder / "home").ingest([write_log(folder / "log.jsonl", searches(200))])

    return once(tmp_path_factory, "fed-songs", ingest) / "home"


@pytest.fixture
def workspace(indexed: Path, tmp_path: Path) -> Workspace:
    """A copy of it, open."""

    shutil.copytree(indexed, tmp_path / "home")
    return ltrr_cli.open(tmp_path / "home")


@pytest.fixture
def log(tmp_path: Path) -> Callable[[list[dict]], Path]:
    from tests.small_workspace import write_log

    return lambda lines: write_log(tmp_path / "log.jsonl", lines)
