"""Nearest neighbours of unit vectors, by graph (``vector_graph``) or by an exact scan of the memory-mapped matrix.

The matrix is the source, the graph is derived. Whatever proposes the rows, scores are computed here, one row at a time
in float64: a row's score never depends on the limit, the filter or the way it was found.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Self

import numpy as np

from ltrr_cli.backends.files import REBUILD, field, map_matrix, read_json, write_json, write_matrix
from ltrr_cli.backends.vector_graph import (
    NeighbourGraph,
    build_graph,
    check_graph,
    library,
    open_graph,
    write_graph,
)
from ltrr_cli.core.errors import DamagedError, DataError, UsageError
from ltrr_cli.core.types import BoolArray, FloatArray, IntArray

FORMAT = 1
GRAPH_ABOVE = 1_000  # vectors: below, a scan is as fast as the graph
SCAN_UP_TO = 50_000  # vectors that a one-shot process scans (4 ms) rather than load a graph for
DEPTH = 1_024  # the graph always proposes so many, whatever the limit: a longer list must begin with the shorter

_CHUNK = 8_192  # rows converted at a time
_ROUGH = 4_000_000  # cosines of many queries at a time
_BELOW_ALL = -2.0  # of a row that is never found
_TOLERANCE = 1e-4  # how far BLAS float32 may be from the exact cosine, generously
_BLANK = "blank.npy"
_GRAPH = "graph.bin"
_HEADER = "vectors.json"
_MATRIX = "vectors.npy"


def build(folder: Path, vectors: FloatArray, *, graph: bool = True) -> None:
    """Write ``vectors``, (n, d) float32 with rows of length 1 (or 0: never found), and above 1,000 rows a graph.

    graph -- False: none, every search is a scan

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
    graph_bytes = 0
    if graph and placed > GRAPH_ABOVE:
        graph_bytes = write_graph(folder / _GRAPH, build_graph(vectors, _placed(len(vectors), blank), DEPTH))
    header = {
        "format": FORMAT,
        "rows": len(vectors),
        "dimension": vectors.shape[1],
        "blank": len(blank),
        "graph_bytes": graph_bytes,
        "library": library() if graph_bytes else "",
    }
    write_json(folder / _HEADER, header)


class Vectors:
    """Open vectors; read-only, safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        matrix: FloatArray,
        blank: IntArray,
        graph_bytes: int,
        use_graph: bool,
        library: str = "hnswlib",
    ) -> None:
        self._folder = folder
        self._matrix = matrix
        self._blank = blank
        self._graph_bytes = graph_bytes if use_graph or len(matrix) > SCAN_UP_TO else 0
        self._library = library
        self._graph: NeighbourGraph | None = None
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
        wrote = str(header.get("library") or "hnswlib")  # earlier ones do not say
        matrix = map_matrix(folder / _MATRIX, (rows, dimension))
        if graph_bytes:
            check_graph(folder / _GRAPH, wrote, graph_bytes, rows - blank, dimension)
        blanks = map_matrix(folder / _BLANK, (blank,), np.int32)
        return cls(folder, matrix, blanks, graph_bytes, use_graph, wrote)

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
                rows = _nearest(rough, limit)
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
        if allowed is None and not len(self._blank) and limit < len(self):
            rows = _nearest(self._matrix @ query.astype(np.float32), limit)
            return _ordered(rows, self._exact(query, rows), limit)
        keep = np.ones(len(self), bool) if allowed is None else allowed.copy()
        keep[self._blank] = False
        rows = np.flatnonzero(keep).astype(np.int32)
        if len(rows) > limit:
            rows = rows[_nearest(self._rough(query.astype(np.float32), rows), limit)]
        return _ordered(rows, self._exact(query, rows), limit)

    def _rough(self, query: FloatArray, rows: IntArray) -> FloatArray:
        """Return fast approximate cosines of rows."""
        if 4 * len(rows) > len(self):  # one pass over the matrix beats gathering a quarter of it
            return (self._matrix @ query)[rows]
        pieces = [self._matrix[rows[start : start + _CHUNK]] @ query for start in range(0, len(rows), _CHUNK)]
        return np.concatenate(pieces)

    def _walk(self, query: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[IntArray, FloatArray]:
        """Ask the graph for its nearest DEPTH rows."""
        graph = self._loaded()
        count = min(DEPTH, len(self) - len(self._blank))
        try:
            rows = graph.nearest(query.astype(np.float32), count)
        except RuntimeError:  # many equal vectors can leave fewer than that within reach
            return self._scan(query, count, None)
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

    def _loaded(self) -> NeighbourGraph:
        with self._loading:
            if self._graph is None:
                count = len(self) - len(self._blank)
                if self._library == library():
                    path = self._folder / _GRAPH
                    self._graph = open_graph(path, self._library, self._graph_bytes, count, self.dimension, DEPTH)
                else:  # another library wrote it, which is not installed or comes second here
                    self._graph = build_graph(self._matrix, _placed(len(self), self._blank), DEPTH)
            return self._graph


def _nearest(rough: FloatArray, limit: int) -> IntArray:
    """Return the places of approximate cosines, generously enough to hold the true best ``limit``."""
    worst = np.partition(rough, len(rough) - limit)[len(rough) - limit]
    near: IntArray = np.flatnonzero(rough >= max(worst, -1.0) - 2 * _TOLERANCE).astype(np.int32)
    return near


def _placed(count: int, blank: IntArray) -> IntArray:
    rows: IntArray = np.setdiff1d(np.arange(count), blank).astype(np.int32)
    return rows


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


def _ordered(rows: IntArray, scores: FloatArray, limit: int) -> tuple[IntArray, FloatArray]:
    order = np.lexsort((rows, -scores))[:limit]
    return rows[order], scores[order]


def _nothing() -> tuple[IntArray, FloatArray]:
    return np.empty(0, np.int32), np.empty(0, np.float32)
