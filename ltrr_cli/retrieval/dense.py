"""Nearest neighbours of the query's embedding.

Good for topics and paraphrases. Blind to rare names and exact codes, which an embedding blurs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.vectors import SCAN_UP_TO, Vectors
from ltrr_cli.backends.vectors import build as build_vectors
from ltrr_cli.core.before import Before
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Request
from ltrr_cli.retrieval.entity_texts import prose
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy
from ltrr_cli.text.normalise import LONGEST_TEXT


class Dense(Strategy):
    """Cosine between query and entity embeddings."""

    name: ClassVar[str] = "dense"
    of_catalog: ClassVar[bool] = True
    scores_all_as: ClassVar[str | None] = "cosine"
    evidence_names: ClassVar[tuple[str, ...]] = ("cosine",)

    def __init__(self, resources: Resources, vectors: Vectors) -> None:
        self._encoder, self._vectors = resources.encoder, vectors

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Encode every entity; an update only those that changed, for it keeps the encoder."""
        before = resources.before
        if before is None:
            vectors = resources.encoder.encode([prose(entity) for entity in resources.catalog.entities()])
        else:
            vectors = _kept(resources, before, folder)
        build_vectors(folder, vectors, graph=len(vectors) > SCAN_UP_TO)

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the vectors."""
        return cls(resources, Vectors.open(folder))

    def look(self, request: Request) -> DenseLook:
        """Look from where the query lies; without words there is no such place."""
        return DenseLook(self._vectors, request, lambda: self._encoded([_text(request)])[0])

    def look_many(self, requests: Sequence[Request]) -> list[DenseLook]:
        """Encode all queries at once, and compare them with every entity in one product of matrices."""
        vectors = self._encoded([_text(request) for request in requests])
        together = _Together(self._vectors, vectors)
        return [
            DenseLook(
                self._vectors,
                request,
                partial(vectors.__getitem__, place),
                partial(together.nearest, place) if request.allowed is None else None,
            )
            for place, request in enumerate(requests)
        ]

    def _encoded(self, texts: Sequence[str]) -> FloatArray:
        """Return (n, d): unit vectors, 0 for an empty text; equal texts are encoded once."""
        vectors = np.zeros((len(texts), self._encoder.dimension), np.float32)
        distinct = {text: place for place, text in enumerate(dict.fromkeys(filter(None, texts)))}
        if distinct:
            encoded = self._encoder.encode(list(distinct))
            for place, text in enumerate(texts):
                if text:
                    vectors[place] = encoded[distinct[text]]
        return vectors


class DenseLook(Look):
    """The query's vector, and what lies near it.

    nearest -- gives so many of the nearest rows, for who knows a quicker way than to search; None: nobody does
    """

    def __init__(
        self,
        vectors: Vectors,
        request: Request,
        encode: Callable[[], FloatArray],
        nearest: Callable[[int], Hits] | None = None,
    ) -> None:
        self._vectors, self._allowed, self._encode, self._nearest = vectors, request.allowed, encode, nearest
        self._found = (-1, Hits.none())  # the limit that was asked for last, and what was there

    @cached_property
    def _vector(self) -> FloatArray:
        return self._encode()

    def hits(self, limit: int) -> Hits:
        """Bring the nearest rows; an empty query has no embedding and brings none."""
        if self._nearest is not None:
            return self._nearest(limit)
        found = self._found
        if found[0] != limit:
            found = self._found = limit, Hits(*self._vectors.search(self._vector, limit, self._allowed))
        return found[1]

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return the cosine of each row."""
        return self._vectors.scores(self._vector, rows)[:, None]


class _Together:
    """What lies near many vectors, searched for all of them when it is asked for one."""

    def __init__(self, vectors: Vectors, queries: FloatArray) -> None:
        self._vectors, self._queries = vectors, queries
        self._found: tuple[int, list[tuple[IntArray, FloatArray]]] = (0, [])

    def nearest(self, place: int, limit: int) -> Hits:
        """Return the nearest rows of one vector."""
        depth, found = self._found
        if limit > depth:
            depth, found = self._found = limit, self._vectors.search_many(self._queries, limit)
        rows, scores = found[place] if found else (np.empty(0, np.int32), np.empty(0, np.float32))
        return Hits(rows[:limit], scores[:limit])


def _kept(resources: Resources, before: Before, folder: Path) -> FloatArray:
    """Return (n, d) vectors of an update: those of unchanged entities as they were, the others encoded."""
    fresh = np.flatnonzero(before.rows < 0)
    vectors = np.empty((len(before.rows), resources.encoder.dimension), np.float32)
    kept = before.rows >= 0
    vectors[kept] = Vectors.open(before.folder / folder.name).matrix[before.rows[kept]]
    if len(fresh):
        vectors[fresh] = resources.encoder.encode([prose(resources.catalog.entity(row)) for row in fresh.tolist()])
    return vectors


def _text(request: Request) -> str:
    """Return the text as typed, whose punctuation tells an encoder something; its words where any was corrected."""
    reading = request.reading
    if not reading.tokens:
        return ""
    if reading.words == reading.tokens:
        return request.query[:LONGEST_TEXT].strip()
    return " ".join((*reading.words, *reading.rest))
