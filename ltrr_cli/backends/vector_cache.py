"""Vectors by the content of their text: encoding again costs only what changed, and an interrupted run goes on.

Two append-only files per encoder: keys of 16 bytes, and vectors in the same order. What stands in both is valid; a tail
that a crash cut short is overwritten. One process appends at a time, others read and encode for themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from ltrr_cli.backends.files import disk_error
from ltrr_cli.core.types import FloatArray

MOST_BYTES = 4 << 30  # of one encoder's vectors; above, it starts anew
_KEY = np.dtype([("head", "<u8"), ("tail", "<u8")])  # 16 bytes of BLAKE2b
_PIECE = 512  # texts between two appends: what a crash can cost

Keys = np.ndarray[Any, np.dtype[np.void]]
Places = np.ndarray[Any, np.dtype[np.int64]]
MappedEncode = Callable[[Iterable[list[str]]], Iterator[FloatArray]]  # one array per list of texts, in their order


class DigestedEncoder(Protocol):
    """An encoder that says what it is by the hash of its files."""

    @property
    def digest(self) -> str:
        """Equal digests give equal vectors."""
        ...

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> FloatArray:
        """Return (len(texts), dimension) float32, rows of length 1 or 0."""
        ...


class VectorCache:
    """A folder of vectors that were computed before, for any number of encoders."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def encode(
        self,
        encoder: DigestedEncoder,
        texts: Sequence[str],
        progress: Callable[[int], object] | None = None,
        mapped: MappedEncode | None = None,
    ) -> FloatArray:
        """Return (len(texts), dimension) float32 as ``encoder.encode`` does; only new texts are computed, each once.

        progress -- is told how many more texts are done
        mapped   -- encodes lists of texts elsewhere, in their order; None: ``encoder`` does, here
        Raises NoSpaceError or DataError where the cache cannot be written, and what the encoder raises.
        """
        vectors = np.zeros((len(texts), encoder.dimension), np.float32)
        keys = _keys(texts)
        with self._opened(encoder) as pair:
            places = pair.find(keys)
            known = np.flatnonzero(places >= 0)
            vectors[known] = pair.read(places[known])
            # whatever happened to the file: a vector has length 1 or 0, or it is computed anew
            lengths = np.einsum("ij,ij->i", vectors, vectors)
            missing = (places < 0) | ~((np.abs(lengths - 1.0) < 1e-3) | (lengths == 0.0))
            if progress is not None and not missing.all():
                progress(int(np.count_nonzero(~missing)))
            distinct, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
            numbers = np.flatnonzero(missing)
            unknown = [texts[int(number)] for number in numbers[first]]  # parallel to distinct
            repeats = np.bincount(inverse, minlength=len(distinct))
            # short texts together, as the encoder batches them
            order = sorted(range(len(distinct)), key=lambda place: len(unknown[place]))
            fresh = np.empty((len(distinct), encoder.dimension), np.float32)
            # what a text is encoded with moves its last digits: pieces never depend on who encodes
            pieces = [order[start : start + _PIECE] for start in range(0, len(order), _PIECE)]
            encoded = (mapped or partial(map, encoder.encode))([unknown[place] for place in piece] for piece in pieces)
            for piece, found in zip(pieces, encoded, strict=True):
                fresh[piece] = found
                pair.append(distinct[piece], fresh[piece])
                if progress is not None:
                    progress(int(repeats[piece].sum()))
            vectors[numbers] = fresh[inverse]
        return vectors

    @contextmanager
    def _opened(self, encoder: DigestedEncoder) -> Iterator[_Pair]:
        # named by content: a file never holds vectors of another encoder
        stem = f"{hashlib.sha256(encoder.digest.encode()).hexdigest()[:32]}-{encoder.dimension}"
        path = self._folder / f"{stem}.keys"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            keys, vectors = path.open("a+b"), path.with_suffix(".vectors").open("a+b")
        except OSError as error:
            raise disk_error(error, path) from error
        with keys, vectors:
            yield _Pair(path, keys, vectors, encoder.dimension, writable=_locked(keys))


class CachedEncoder:
    """An encoder that computes each text once in a machine's life.

    told   -- is given (texts done, texts in all) as they come
    mapped -- encodes lists of texts elsewhere; None: ``encoder`` does
    """

    def __init__(
        self,
        encoder: DigestedEncoder,
        name: str,
        cache: VectorCache,
        told: Callable[[int, int], object],
        mapped: MappedEncode | None = None,
    ) -> None:
        self.name, self.dimension = name, encoder.dimension
        self._encoder, self._cache, self._told, self._mapped = encoder, cache, told, mapped

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return (len(texts), dimension) float32, rows of length 1 or 0."""
        done = 0

        def more(count: int) -> None:
            nonlocal done
            done += count
            self._told(done, len(texts))

        return self._cache.encode(self._encoder, texts, more, self._mapped)


class _Pair:
    """The two open files of one encoder."""

    def __init__(self, path: Path, keys: IO[bytes], vectors: IO[bytes], dimension: int, *, writable: bool) -> None:
        self._path, self._keys, self._vectors = path, keys, vectors
        self._dimension, self._writable = dimension, writable
        self._width = 4 * dimension
        count = min(_size(keys) // _KEY.itemsize, _size(vectors) // self._width)
        if writable:
            if count * self._width > MOST_BYTES:
                count = 0
            self._truncate(count)
        keys.seek(0)
        self._held: Keys = np.frombuffer(keys.read(count * _KEY.itemsize), _KEY)
        self._order = np.argsort(self._held["head"], kind="stable")

    def find(self, keys: Keys) -> Places:
        """Return where each key stands, or -1; of several places the newest."""
        heads = self._held["head"][self._order]
        slots = np.searchsorted(heads, keys["head"], side="right") - 1
        inside = slots >= 0
        places = np.full(len(keys), -1, np.int64)
        candidates = self._order[slots[inside]]
        places[inside] = np.where(self._held[candidates] == keys[inside], candidates, -1)
        return places

    def read(self, places: Places) -> FloatArray:
        """Return the vectors at given places, NaN where the file has become shorter.

        Read, not mapped: touching a map of a file that another process cuts kills this one.
        """
        absent = np.full(self._dimension, np.nan, "<f4").tobytes()
        rows = []
        for place in places.tolist():
            self._vectors.seek(place * self._width)
            row = self._vectors.read(self._width)
            rows.append(row if len(row) == self._width else absent)
        return np.frombuffer(b"".join(rows), "<f4").reshape(len(places), self._dimension)

    def append(self, keys: Keys, vectors: FloatArray) -> None:
        """Add vectors, their keys after them: a key is only ever seen when its vector is there."""
        if not self._writable:
            return
        try:
            self._vectors.write(np.ascontiguousarray(vectors, "<f4").tobytes())
            self._vectors.flush()
            self._keys.write(keys.tobytes())
            self._keys.flush()
        except OSError as error:
            raise disk_error(error, self._path) from error

    def _truncate(self, count: int) -> None:
        try:
            self._keys.truncate(count * _KEY.itemsize)
            self._vectors.truncate(count * self._width)
        except OSError as error:
            raise disk_error(error, self._path) from error


def _keys(texts: Sequence[str]) -> Keys:
    digests = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
    return np.frombuffer(b"".join(digests), _KEY)


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)


def _locked(file: IO[bytes]) -> bool:
    """Try to be the one that appends; the kernel lets go when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # no such lock on this system: only reading is safe
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
