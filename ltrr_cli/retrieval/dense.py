"""Nearest neighbours of the query's embedding.

Good for topics and paraphrases. Blind to rare names and exact codes, which an embedding blurs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ltrr_cli.backends.vectors import Vectors
from ltrr_cli.backends.vectors import build as build_vectors
from ltrr_cli.core.types import FloatArray, Hits, IntArray, Request
from ltrr_cli.retrieval.entity_texts import prose
from ltrr_cli.retrieval.strategy import Resources, Strategy
from ltrr_cli.text.normalise import LONGEST_TEXT


class Dense(Strategy):
    """Cosine between query and entity embeddings."""

    name: ClassVar[str] = "dense"
    scores_all_as: ClassVar[str | None] = "cosine"
    evidence_names: ClassVar[tuple[str, ...]] = ("cosine",)

    def __init__(self, resources: Resources, vectors: Vectors) -> None:
        self._encoder, self._vectors = resources.encoder, vectors
        self._asked: tuple[str, FloatArray] | None = None

    @classmethod
    def build(cls, resources: Resources, folder: Path) -> None:
        """Encode every entity."""
        texts = [prose(entity) for entity in resources.catalog.entities()]
        build_vectors(folder, resources.encoder.encode(texts))

    @classmethod
    def open(cls, resources: Resources, folder: Path, learned: Path | None) -> Self:
        """Open the vectors."""
        return cls(resources, Vectors.open(folder))

    def retrieve(self, request: Request, limit: int) -> Hits:
        """Bring the nearest rows; an empty query has no embedding and brings none."""
        return Hits(*self._vectors.search(self._vector(request), limit, request.allowed))

    def retrieve_many(self, requests: Sequence[Request], limit: int) -> list[Hits]:
        """Encode all queries at once, and compare all of them with every entity in one product of matrices."""
        texts = list(dict.fromkeys(filter(None, map(_text, requests))))
        if any(request.allowed is not None for request in requests) or not texts:
            return super().retrieve_many(requests, limit)
        vectors = self._encoder.encode(texts)
        found = dict(zip(texts, self._vectors.search_many(vectors, limit), strict=True))
        return [Hits(*found[text]) if (text := _text(request)) else Hits.none() for request in requests]

    def evidence(self, request: Request, rows: IntArray) -> FloatArray:
        """Return the cosine of each row."""
        return self._vectors.scores(self._vector(request), rows)[:, None]

    def _vector(self, request: Request) -> FloatArray:
        """Encode what is asked (kept for the last request)."""
        text = _text(request)
        if self._asked is None or self._asked[0] != text:
            vector = self._encoder.encode([text])[0] if text else np.zeros(self._encoder.dimension, np.float32)
            self._asked = (text, vector)
        return self._asked[1]


def _text(request: Request) -> str:
    """Return the text as typed, whose punctuation tells an encoder something; its words where any was corrected."""
    reading = request.reading
    if not reading.tokens:
        return ""
    if reading.words == reading.tokens:
        return request.query[:LONGEST_TEXT].strip()
    return " ".join((*reading.words, *reading.rest))
