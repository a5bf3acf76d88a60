"""The door to hnswlib: nearest neighbours of unit vectors, by graph or by an exact scan of the memory-mapped matrix.

The matrix is the source, the graph is derived. hnswlib checks nothing: it crashes on damaged files, opens a graph of
another dimension without a word and writes half a file onto a full disk in silence. So sizes and the file's own header
are checked before it reads, and after it wrote. Whatever proposes the rows, scores are computed here, one row at a
time in float64: a row's score never depends on the limit, the filter or the way it was found.
"""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np

from ltrr_cli.backends.files import REBUILD, disk_error, field, map_matrix, read_json, write_json, write_matrix
from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.types import BoolArray, FloatArray, IntArray

FORMAT = 1
GRAPH_ABOVE = 1_000  # vectors: below, a scan is as fast as the graph
SCAN_UP_TO = 50_000  # vectors that a one-shot process scans (4 ms) rather than load a graph for
DEPTH = 1_024  # the graph always proposes so many, whatever the limit: a longer list must begin with the shorter

_M = 16  # neighbours kept per node
_EF_CONSTRUCTION = 100
_SEED = 100
_CHUNK = 8_192  # rows converted at a time
_ROUGH = 4_000_000  # cosines of many queries at a time
_BELOW_ALL = -2.0  # of a row that is never found
_TOLERANCE = 1e-4  # how far BLAS float32 may be from the exact cosine, generously
_BLANK = "blank.npy"
_GRAPH = "graph.bin"
_HEADER = "vectors.json"
_MATRIX = "vectors.npy"
# hnswlib 0.8 saveIndex: level-0 offset, capacity, count, bytes per element, label offset, data offset
_GRAPH_HEADER = struct.Struct("<6Q")


def build(folder: Path, vectors: FloatArray) -> None:
    """Write ``vectors``, (n, d) float32 with rows of length 1 (or 0: never found), and above 1,000 rows a graph.

    One thread and a fixed seed: the same vectors give the same bytes. A memory map is fine; it is read in pieces.
    Raises DataError for other rows, NoSpaceError when the disk is full.
    """
    if vectors.ndim != 2 or vectors.dtype != np.float32 or vectors.shape[1] == 0:
        raise DataError(f"vectors must be (n, d) float32, not {vectors.dtype}{vectors.shape}")
    blank = _blank_rows(vectors)
    folder.mkdir(parents=True, exist_ok=True)
    write_matrix(folder / _MATRIX, vectors)
    write_matrix(folder / _BLANK, blank)
    placed = len(vectors) - len(blank)
    graph_bytes = _write_graph(folder / _GRAPH, vectors, blank) if placed > GRAPH_ABOVE else 0
    header = {
        "format": FORMAT,
        "rows": len(vectors),
        "dimension": vectors.shape[1],
        "blank": len(blank),
        "graph_bytes": graph_bytes,
    }
    write_json(folder / _HEADER, header)


class Vectors:
    """Open vectors; read-only, safe to use from several threads."""

    def __init__(self, folder: Path, matrix: FloatArray, blank: IntArray, graph_bytes: int, use_graph: bool) -> None:
        self._folder = folder
        self._matrix = matrix
        self._blank = blank
        self._graph_bytes = graph_bytes if use_graph or len(matrix) > SCAN_UP_TO else 0
        self._graph: Any = None
        self._loading = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, use_graph: bool = False) -> Self:
        """Open what ``build`` wrote; raises DamagedError.

        use_graph -- for a long-lived process. A one-shot one scans exactly up to 50,000 rows, and uses the graph above.
        """
        path = folder / _HEADER
        header = read_json(path)
        if field(header, "format", int, path) != FORMAT:
            raise DamagedError(f"{path}: format {header['format']}, this version reads {FORMAT}", hint=REBUILD)
        rows, dimension, blank, graph_bytes = (
            field(header, name, int, path) for name in ("rows", "dimension", "blank", "graph_bytes")
        )
        matrix = map_matrix(folder / _MATRIX, (rows, dimension))
        if graph_bytes:
            _check_graph(folder / _GRAPH, graph_bytes, rows - blank, dimension)
        return cls(folder, matrix, map_matrix(folder / _BLANK, (blank,), np.int32), graph_bytes, use_graph)

    def __len__(self) -> int:
        return len(self._matrix)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._matrix.shape[1])

    @property
    def matrix(self) -> FloatArray:
        """All vectors, (n, d), read-only."""
        return self._matrix

    def search(self, vector: FloatArray, limit: int, allowed: BoolArray | None = None) -> tuple[IntArray, FloatArray]:
        """Return (rows, cosines) of the nearest, best first, ties by row; rows of length 0 are never found.

        vector  -- (d,), of any length; of length 0 or not finite it finds nothing
        limit   -- below 1 finds nothing; a longer list begins with the shorter
        allowed -- (n,) bool; filtered searches are always exact

        By the graph a near row may be missed (recall@100 .9998 on 100,000 clustered vectors of 384 numbers).
        """
        query = self._unit(vector)
        limit = min(limit, len(self))
        if limit < 1 or query is None:
            return _nothing()
        if allowed is not None or not self._graph_bytes:
            return self._scan(query, limit, allowed)
        rows, scores = self._walk(query)
        if limit <= DEPTH:
            return rows[:limit], scores[:limit]
        return self._beyond(query, limit, rows, scores)

    def search_many(self, vectors: FloatArray, limit: int) -> list[tuple[IntArray, FloatArray]]:
        """Return what ``search`` returns for each line of (n, d) vectors; a scan compares many at once."""
        if self._graph_bytes or limit < 1 or not len(self):
            return [self.search(vector, limit) for vector in vectors]
        limit = min(limit, len(self))
        found = []
        step = max(_ROUGH // len(self), 1)
        queries = [self._unit(vector) for vector in vectors]
        for start in range(0, len(queries), step):
            part = [np.zeros(self.dimension) if one is None else one for one in queries[start : start + step]]
            cosines = np.array(part, np.float32) @ self._matrix.T
            cosines[:, self._blank] = _BELOW_ALL
            for query, rough in zip(queries[start : start + step], cosines, strict=True):
                if query is None:
                    found.append(_nothing())
                    continue
                worst = np.partition(rough, len(rough) - limit)[len(rough) - limit]
                rows = np.flatnonzero(rough >= max(worst, -1.0) - 2 * _TOLERANCE).astype(np.int32)
                found.append(_ordered(rows, self._exact(query, rows), limit))
        return found

    def scores(self, vector: FloatArray, rows: IntArray) -> FloatArray:
        """Return the (len(rows),) cosines of given rows, NaN where the row's or the query's vector has length 0."""
        query = self._unit(vector)
        if query is None or len(rows) == 0:
            return np.full(len(rows), np.nan, np.float32)
        scores = self._exact(query, rows)
        scores[np.isin(rows, self._blank)] = np.nan
        return scores

    def _unit(self, vector: FloatArray) -> np.ndarray[Any, np.dtype[np.float64]] | None:
        query = np.asarray(vector, np.float64)
        if query.shape != (self.dimension,):
            raise UsageError(f"the query's vector is {query.shape}, the index holds ({self.dimension},)")
        length = float(np.sqrt(query @ query))
        return query / length if 0.0 < length < float("inf") else None  # a NaN fails both

    def _exact(self, query: np.ndarray[Any, np.dtype[np.float64]], rows: IntArray) -> FloatArray:
        """Cosines, each from its own row alone: BLAS may round a row differently by its place in the matrix."""
        scores = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), _CHUNK):
            piece = self._matrix[rows[start : start + _CHUNK]].astype(np.float64)  # (chunk, d)
            scores[start : start + _CHUNK] = (piece * query).sum(axis=1)
        return scores

    def _scan(
        self, query: np.ndarray[Any, np.dtype[np.float64]], limit: int, allowed: BoolArray | None
    ) -> tuple[IntArray, FloatArray]:
        keep = np.ones(len(self), bool) if allowed is None else allowed.copy()
        keep[self._blank] = False
        rows = np.flatnonzero(keep).astype(np.int32)
        if len(rows) > limit:
            rows = self._promising(query.astype(np.float32), limit, rows)
        return _ordered(rows, self._exact(query, rows), limit)

    def _promising(self, query: FloatArray, limit: int, rows: IntArray) -> IntArray:
        """Cut rows by fast approximate cosines, generously enough to keep the true best ``limit``."""
        if 4 * len(rows) > len(self):  # one pass over the matrix beats gathering a quarter of it
            rough = (self._matrix @ query)[rows]
        else:
            pieces = [self._matrix[rows[start : start + _CHUNK]] @ query for start in range(0, len(rows), _CHUNK)]
            rough = np.concatenate(pieces)
        worst = np.partition(rough, len(rough) - limit)[len(rough) - limit]
        near: IntArray = rows[rough >= worst - 2 * _TOLERANCE]
        return near

    def _walk(self, query: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[IntArray, FloatArray]:
        """Ask the graph for its nearest DEPTH rows."""
        graph = self._loaded()
        count = min(DEPTH, len(self) - len(self._blank))
        try:
            labels = graph.knn_query(query.astype(np.float32)[None], k=count, num_threads=1)[0][0]
        except RuntimeError:  # many equal vectors can leave fewer than that within reach
            return self._scan(query, count, None)
        rows: IntArray = labels.astype(np.int32)
        return _ordered(rows, self._exact(query, rows), count)

    def _beyond(
        self, query: np.ndarray[Any, np.dtype[np.float64]], limit: int, rows: IntArray, scores: FloatArray
    ) -> tuple[IntArray, FloatArray]:
        """Continue the graph's list by a scan. The few near rows that the graph missed stay out: the list is one."""
        reach = 2 * limit
        while True:
            more, values = self._scan(query, reach, None)
            later = (values < scores[-1]) | ((values == scores[-1]) & (more > rows[-1]))
            later &= ~np.isin(more, rows)
            if np.count_nonzero(later) >= limit - len(rows) or reach >= len(self):
                break
            reach *= 4
        return np.concatenate([rows, more[later]])[:limit], np.concatenate([scores, values[later]])[:limit]

    def _loaded(self) -> Any:
        with self._loading:
            if self._graph is None:
                import hnswlib

                path = self._folder / _GRAPH
                _check_graph(path, self._graph_bytes, len(self) - len(self._blank), self.dimension)
                graph = hnswlib.Index(space="ip", dim=self.dimension)
                try:
                    graph.load_index(str(path))
                except RuntimeError as error:
                    raise DamagedError(f"{path}: {error}", hint=REBUILD) from None
                graph.set_ef(DEPTH)
                self._graph = graph
            return self._graph


def _blank_rows(vectors: FloatArray) -> Any:
    """Return the (blank,) int32 rows of length 0; raises DataError where a row is neither that nor of length 1."""
    blank = []
    for start in range(0, len(vectors), _CHUNK):
        piece = np.asarray(vectors[start : start + _CHUNK])
        squared = np.einsum("ij,ij->i", piece, piece)
        wrong = ~((np.abs(squared - 1.0) < 1e-3) | (squared == 0.0))  # NaN is wrong too
        if wrong.any():
            row = start + int(np.flatnonzero(wrong)[0])
            raise DataError(f"vector {row} has length {float(np.sqrt(squared[row - start])):g}; 1 or 0 was expected")
        blank.append(start + np.flatnonzero(squared == 0.0))
    return np.concatenate(blank).astype(np.int32) if blank else np.empty(0, np.int32)


def _write_graph(path: Path, vectors: FloatArray, blank: IntArray) -> int:
    """Build and save the graph of all rows that are not blank; return its size in bytes."""
    import hnswlib

    rows = np.setdiff1d(np.arange(len(vectors)), blank)
    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    graph.init_index(max_elements=len(rows), M=_M, ef_construction=_EF_CONSTRUCTION, random_seed=_SEED)
    for start in range(0, len(rows), _CHUNK):
        labels = rows[start : start + _CHUNK]
        graph.add_items(np.asarray(vectors[labels]), labels, num_threads=1)
    temporary = path.with_name(path.name + ".tmp")
    expected = int(graph.index_file_size())
    try:
        graph.save_index(str(temporary))
        size = temporary.stat().st_size if temporary.exists() else 0
        if size != expected:
            raise OSError(f"{size} of {expected} bytes were written")
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)
        raise disk_error(error, path) from error
    return expected


def _check_graph(path: Path, size: int, count: int, dimension: int) -> None:
    """Compare a graph file with what was written, before any native code reads it."""
    try:
        actual = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_GRAPH_HEADER.size)
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read: {error}", hint=REBUILD) from None
    if actual != size or len(head) < _GRAPH_HEADER.size:
        raise DamagedError(f"{path}: {actual} bytes, {size} were written", hint=REBUILD)
    _, capacity, held, element, label, data = _GRAPH_HEADER.unpack(head)
    # an element is its links, then the vector, then a label of 8 bytes
    if (capacity, held) != (count, count) or label - data != 4 * dimension or element - label != 8:
        raise DamagedError(f"{path}: not the graph of {count} vectors of {dimension} numbers", hint=REBUILD)


def _ordered(rows: IntArray, scores: FloatArray, limit: int) -> tuple[IntArray, FloatArray]:
    order = np.lexsort((rows, -scores))[:limit]
    return rows[order], scores[order]


def _nothing() -> tuple[IntArray, FloatArray]:
    return np.empty(0, np.int32), np.empty(0, np.float32)
