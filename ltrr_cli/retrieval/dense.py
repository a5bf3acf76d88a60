"""Nearest neighbours of the query's embedding.

Good for topics and paraphrases. Blind to rare names and exact codes, which an embedding blurs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.vectors import Vectors
from ltrr_cli.backends.vectors import build as build_vectors
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Request
from ltrr_cli.retrieval.entity_texts import prose
from ltrr_cli.retrieval.strategy import Look, Resources, Strategy


class Dense(Strategy):
    """Cosine between query and entity embeddings."""

    name: ClassVar[str] = "dense"
    evidence_names: ClassVar[tuple[str, ...]] = ("cosine",)

    def __init__(self, resources: Resources, vectors: Vectors) -> None:
        self._encoder, self._vectors = resources.encoder, vectors

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Encode every entity."""
        texts = [prose(entity) for entity in resources.catalog.entities()]
        build_vectors(folder, resources.encoder.encode(texts))

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the vectors."""
        return cls(resources, Vectors.open(folder))

    def look(self, request: Request) -> DenseLook:
        """Look from where the corrected words lie; without words there is no such place."""
        text = " ".join(request.reading.words)
        return DenseLook(self._vectors, request, lambda: self._encoded([text])[0])

    def look_many(self, requests: Sequence[Request]) -> list[DenseLook]:
        """Encode all queries at once, and multiply them with all entities at once."""
        vectors = self._encoded([" ".join(request.reading.words) for request in requests])
        rough = self._vectors.rough(vectors)
        return [
            DenseLook(self._vectors, request, partial(vectors.__getitem__, place), rough[place])
            for place, request in enumerate(requests)
        ]

    def _encoded(self, texts: Sequence[str]) -> FloatArray:
        """Return (n, d): unit vectors, 0 for an empty text."""
        vectors = np.zeros((len(texts), self._encoder.dimension), np.float32)
        some = [place for place, text in enumerate(texts) if text]
        if some:
            vectors[some] = self._encoder.encode([texts[place] for place in some])
        return vectors


class DenseLook(Look):
    """The query's vector, and what lies near it."""

    def __init__(
        self, vectors: Vectors, request: Request, encode: Callable[[], FloatArray], rough: FloatArray | None = None
    ) -> None:
        self._vectors, self._allowed, self._encode, self._rough = vectors, request.allowed, encode, rough

    @cached_property
    def _vector(self) -> FloatArray:
        return self._encode()

    def hits(self, limit: int) -> Hits:
        """Bring the nearest rows; an empty query has no embedding and brings none."""
        return Hits(*self._vectors.search(self._vector, limit, self._allowed, self._rough))

    def evidence(self, rows: IntArray) -> FloatArray:
        """Return the cosine of each row."""
        return self._vectors.scores(self._vector, rows)[:, None]
