"""The graph of nearest neighbours of unit vectors: by hnswlib where it is installed, else by voyager.

Both install without a compiler: hnswlib as ``chroma-hnswlib``, the same module with wheels for Python 3.11 and 3.12,
voyager for every platform and later Pythons. Their files differ. A graph is derived from its vectors, so whoever opens
one that the other library wrote builds it anew, in memory.
"""

from __future__ import annotations

import os
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ltrr_cli.backends.files import REBUILD, disk_error
from ltrr_cli.core.errors import DamagedError, LtrrError
from ltrr_cli.core.types import FloatArray, IntArray

LIBRARIES = ("hnswlib", "chroma-hnswlib", "voyager")  # the first that is installed builds

_M = 16  # neighbours kept per node
_EF_CONSTRUCTION = 100
_SEED = 100
_CHUNK = 8_192  # rows converted at a time
# hnswlib 0.7 and 0.8 saveIndex: level-0 offset, capacity, count, bytes per element, label offset, data offset
_GRAPH_HEADER = struct.Struct("<6Q")
_ELEMENTS = 96  # bytes before the first element


class NeighbourGraph(Protocol):
    """An open graph; threads may ask it at once."""

    def nearest(self, vector: FloatArray, count: int) -> IntArray:
        """Return the rows nearest to a (d,) float32 vector; raises RuntimeError where fewer are within reach."""
        ...

    def save(self, path: Path) -> None:
        """Write the graph; raises OSError, RuntimeError."""
        ...


def library() -> str:
    """Return the library that graphs are built with here; raises LtrrError where none is installed."""
    if find_spec("hnswlib") is not None:
        import hnswlib

        return "hnswlib" if hasattr(hnswlib.Index, "index_file_size") else "chroma-hnswlib"
    if find_spec("voyager") is None:
        raise LtrrError("neither hnswlib nor voyager is installed", hint="pip install chroma-hnswlib, or voyager")
    return "voyager"


def build_graph(vectors: FloatArray, rows: IntArray, depth: int, name: str = "") -> NeighbourGraph:
    """Build the graph of some rows of (n, d) vectors: one thread and a fixed seed, so that it is the same each time.

    depth -- rows that a search goes through; name -- one of ``LIBRARIES``, else the first that is installed
    """
    graph: _Hnswlib | _Voyager = (_Voyager if (name or library()) == "voyager" else _Hnswlib)(vectors.shape[1], depth)
    graph.begin(len(rows))
    for start in range(0, len(rows), _CHUNK):
        labels = rows[start : start + _CHUNK]
        graph.add(np.asarray(vectors[labels]), labels)
    return graph


def write_graph(path: Path, graph: NeighbourGraph) -> int:
    """Write a graph whole or not at all; return its size in bytes. Raises NoSpaceError, LtrrError."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        graph.save(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        size = temporary.stat().st_size
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error
    return size


def open_graph(path: Path, name: str, size: int, count: int, dimension: int, depth: int) -> NeighbourGraph:
    """Open what ``write_graph`` wrote with a library that is installed; raises DamagedError."""
    check_graph(path, name, size, count, dimension)
    graph: _Hnswlib | _Voyager = (_Voyager if name == "voyager" else _Hnswlib)(dimension, depth)
    try:
        graph.load(path, count)
    except (RuntimeError, ValueError) as error:
        raise DamagedError(f"{path}: {str(error).splitlines()[0]}", hint=REBUILD) from None
    return graph


def check_graph(path: Path, name: str, size: int, count: int, dimension: int) -> None:
    """Compare a graph file with what was written, before any native code reads it.

    hnswlib checks nothing: it crashes on damaged files and opens a graph of another dimension without a word.
    """
    try:
        actual = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_GRAPH_HEADER.size)
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=REBUILD) from None
    if actual != size or len(head) < _GRAPH_HEADER.size:
        raise DamagedError(f"{path}: {actual} bytes, {size} were written", hint=REBUILD)
    if name == "voyager":
        return
    _, capacity, held, element, label, data = _GRAPH_HEADER.unpack(head)
    # an element is its links, then the vector, then a label of 8 bytes
    if (capacity, held) != (count, count) or label - data != 4 * dimension or element - label != 8:
        raise DamagedError(f"{path}: not the graph of {count} vectors of {dimension} numbers", hint=REBUILD)


class _Hnswlib:
    """The door to hnswlib."""

    def __init__(self, dimension: int, depth: int) -> None:
        import hnswlib

        self._graph: Any = hnswlib.Index(space="ip", dim=dimension)
        self._depth = depth

    def begin(self, count: int) -> None:
        self._graph.init_index(max_elements=count, M=_M, ef_construction=_EF_CONSTRUCTION, random_seed=_SEED)
        self._graph.set_ef(self._depth)

    def add(self, vectors: FloatArray, rows: IntArray) -> None:
        self._graph.add_items(vectors, rows, num_threads=1)

    def nearest(self, vector: FloatArray, count: int) -> IntArray:
        labels: IntArray = self._graph.knn_query(vector[None], k=count, num_threads=1)[0][0].astype(np.int32)
        return labels

    def save(self, path: Path) -> None:
        self._graph.save_index(str(path))
        size = path.stat().st_size if path.exists() else 0
        if hasattr(self._graph, "index_file_size"):
            expected = int(self._graph.index_file_size())
            if size != expected:  # onto a full disk it writes half a file in silence
                raise OSError(f"{size} of {expected} bytes were written")
        else:
            self._settle(path)

    def _settle(self, path: Path) -> None:
        """Make what chroma-hnswlib wrote the same each time, and see that it is whole.

        Between elements and links it has a number of 4 bytes for each vector, which it leaves as the memory was. It
        cannot tell the size of its file, but refuses a shorter one.
        """
        count = self._graph.get_current_count()
        with path.open("rb+") as file:
            _, capacity, _, element, _, _ = _GRAPH_HEADER.unpack(file.read(_GRAPH_HEADER.size))
            file.seek(_ELEMENTS + capacity * element)
            file.write(bytes(4 * count))
        _Hnswlib(self._graph.dim, self._depth).load(path, count)

    def load(self, path: Path, count: int) -> None:
        self._graph.load_index(str(path))
        self._graph.set_ef(self._depth)
        if self._graph.get_current_count() != count:
            raise RuntimeError(f"{self._graph.get_current_count()} vectors, {count} were written")


class _Voyager:
    """The door to voyager."""

    def __init__(self, dimension: int, depth: int) -> None:
        self._dimension, self._depth = dimension, depth
        self._graph: Any = None

    def begin(self, count: int) -> None:
        import voyager

        self._graph = voyager.Index(
            voyager.Space.Cosine, num_dimensions=self._dimension, M=_M, ef_construction=_EF_CONSTRUCTION,
            random_seed=_SEED, max_elements=count,
        )  # fmt: skip

    def add(self, vectors: FloatArray, rows: IntArray) -> None:
        self._graph.add_items(vectors, rows.tolist(), num_threads=1)

    def nearest(self, vector: FloatArray, count: int) -> IntArray:
        depth = max(self._depth, count)
        labels: IntArray = self._graph.query(vector[None], k=count, num_threads=1, query_ef=depth)[0][0].astype(
            np.int32
        )
        return labels

    def save(self, path: Path) -> None:
        data = self._graph.as_bytes()
        path.write_bytes(data)

    def load(self, path: Path, count: int) -> None:
        import voyager

        self._graph = voyager.Index.load(str(path), voyager.Space.Cosine, self._dimension)
        if len(self._graph) != count:
            raise RuntimeError(f"{len(self._graph)} vectors, {count} were written")
