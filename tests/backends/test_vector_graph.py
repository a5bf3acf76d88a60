"""Graphs by hnswlib and by voyager: the same promises, and one opens what the other wrote."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ltrr_cli.backends import vector_graph, vectors
from ltrr_cli.backends.vector_graph import LIBRARIES, build_graph, open_graph, write_graph
from ltrr_cli.backends.vectors import Vectors
from ltrr_cli.core.errors import DamagedError, LtrrError
from tests.backends.test_vectors import clustered

COUNT, WIDE, DEPTH = 1_500, 16, 1_024


def installed() -> set[str]:
    """Return the libraries that are here; hnswlib and chroma-hnswlib are one module, so never both."""
    return {vector_graph.library()} | ({"voyager"} if find_spec("voyager") else set())


@pytest.fixture(params=LIBRARIES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param not in installed():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def written(folder: Path, name: str) -> tuple[Path, int, np.ndarray]:
    matrix = clustered(COUNT, WIDE)
    folder.mkdir(exist_ok=True)
    size = write_graph(folder / "graph.bin", build_graph(matrix, np.arange(COUNT, dtype=np.int32), DEPTH, name))
    return folder / "graph.bin", size, matrix


def test_what_was_written_finds_the_nearest(tmp_path: Path, name: str):
    path, size, matrix = written(tmp_path, name)
    graph = open_graph(path, name, size, COUNT, WIDE, DEPTH)
    found = 0
    for query in clustered(20, WIDE, seed=8):
        exact = np.argsort(-(matrix @ query))[:100]
        found += len(set(graph.nearest(query, DEPTH)[:100].tolist()) & set(exact.tolist()))
    assert found >= 0.99 * 20 * 100


def test_the_same_vectors_give_the_same_bytes(tmp_path: Path, name: str):
    one, two = (written(tmp_path / part, name)[0].read_bytes() for part in ("a", "b"))
    assert one == two


def test_damage_is_named_before_native_code_crashes(tmp_path: Path, name: str):
    path, size, _ = written(tmp_path, name)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], b"", data + b"x"):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError):
            open_graph(path, name, size, COUNT, WIDE, DEPTH)
    path.write_bytes(data)
    for count, wide in ((COUNT - 1, WIDE), (COUNT, WIDE * 2)):
        with pytest.raises(DamagedError):
            open_graph(path, name, size, count, wide, DEPTH)


def test_one_library_opens_what_the_other_wrote_by_building_the_graph_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    both = sorted(installed())
    if len(both) < 2:
        pytest.skip("both hnswlib and voyager are needed")
    matrix = clustered(COUNT, WIDE)
    answers = {}
    for wrote, reads in (both, both[::-1]):
        for module in (vector_graph, vectors):
            monkeypatch.setattr(module, "library", lambda name=wrote: name)
        vectors.build(tmp_path / wrote, matrix)
        assert json.loads((tmp_path / wrote / "vectors.json").read_text())["library"] == wrote
        for module in (vector_graph, vectors):
            monkeypatch.setattr(module, "library", lambda name=reads: name)
        opened = Vectors.open(tmp_path / wrote, use_graph=True)
        rows, scores = opened.search(matrix[7], 10)
        assert rows[0] == 7
        answers[wrote] = scores
    assert np.allclose(*answers.values())


def test_without_a_library_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vector_graph, "find_spec", lambda _: None)
    with pytest.raises(LtrrError, match="neither hnswlib nor voyager"):
        vector_graph.library()
