"""What everybody can write in an afternoon: BM25 over one stemmed field, fused with an encoder's list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import Stemmer
from scipy.sparse import csc_matrix

from ltrr_cli.core.types import Hits
from ltrr_cli.ranking.fusion import fuse, gains
from ltrr_cli.retrieval.union import union
from ltrr_cli.text.normalise import tokens

K1, B = 1.2, 0.75


class PlainBM25:
    """Okapi BM25 with k1 = 1.2, b = .75, over all words of an entity, stop words and long questions whole."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._stem = Stemmer.Stemmer("english").stemWords
        self._numbers: dict[str, int] = {}
        terms = [[self._numbers.setdefault(term, len(self._numbers)) for term in self._terms(text)] for text in texts]
        lengths = np.array([len(of) for of in terms], np.float64)
        rows = np.repeat(np.arange(len(terms)), lengths.astype(np.int64))
        columns = np.array([term for of in terms for term in of], np.int64)
        matrix = csc_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(terms), len(self._numbers)))
        held = np.diff(matrix.indptr)
        idf = np.log1p((len(terms) - held + 0.5) / (held + 0.5))
        length = K1 * (1.0 - B + B * lengths / max(float(lengths.mean()), 1e-9))
        matrix.data = matrix.data * (K1 + 1.0) / (matrix.data + length[matrix.indices]) * np.repeat(idf, held)
        self._matrix = matrix

    def search(self, text: str, limit: int) -> Hits:
        """Return the best, ties by row."""
        found = [self._numbers[term] for term in self._terms(text) if term in self._numbers]
        scores = np.asarray(self._matrix[:, found].sum(axis=1)).ravel()
        rows = np.lexsort((np.arange(len(scores)), -scores))[:limit]
        rows = rows[scores[rows] > 0].astype(np.int32)
        return Hits(rows, scores[rows].astype(np.float32))

    def _terms(self, text: str) -> list[str]:
        return list(self._stem(tokens(text)))


def rank_fusion(lists: Sequence[Hits]) -> np.ndarray:
    """Return rows by equal-weight reciprocal rank fusion, best first."""
    rows, ranks, _ = union(lists)
    return rows[np.lexsort((rows, -fuse(ranks)))]


def convex_fusion(lists: Sequence[Hits]) -> np.ndarray:
    """Return rows by the sum of scores, each list's from 0 to 1, best first."""
    rows, _, scores = union(lists)
    return rows[np.lexsort((rows, -gains(scores).sum(axis=1)))]
