"""What others take for the same catalog and the same questions, in CPU seconds of this process, all threads together.

The bare calls are the libraries that an index here is made of, called directly. The peers are asked as their own first
examples do it, with the vectors of the bare calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time

import hnswlib
import numpy as np
import Stemmer
import tantivy

SIZE, DEPTH = 256, 200  # numbers of a vector; candidates asked for


class Peer:
    """Something that builds an index of texts and is asked.

    built, built_wall -- seconds of CPU and by the clock
    """

    name = ""
    built, built_wall = math.nan, math.nan

    def asked(self, text: str) -> float:
        """Return CPU milliseconds of one answer."""
        start = process_time()
        self.ask(text)
        return (process_time() - start) * 1e3

    def ask(self, text: str) -> None:
        """Answer once."""
        raise NotImplementedError

    def timed(self, build: Callable[[], None]) -> None:
        """Build, and note what it took."""
        start, wall = process_time(), perf_counter()
        build()
        self.built, self.built_wall = process_time() - start, perf_counter() - wall


class Bare(Peer):
    """The libraries alone: one field of full text, a TF-IDF projected to 256 numbers, a graph of these."""

    name = "bare calls"

    def __init__(self, texts: Sequence[str], folder: Path) -> None:
        folder.mkdir(parents=True)
        self.timed(lambda: self._build(texts, folder))

    def _build(self, texts: Sequence[str], folder: Path) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        schema = tantivy.SchemaBuilder().add_text_field("all", tokenizer_name="en_stem").build()
        index = tantivy.Index(schema, str(folder))
        writer = index.writer(heap_size=100_000_000, num_threads=1)
        for text in texts:
            writer.add_document(tantivy.Document(all=text))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._index, self._searcher = index, index.searcher()
        self._terms = TfidfVectorizer(sublinear_tf=True, min_df=2)
        weights = self._terms.fit_transform(texts)
        self._svd = TruncatedSVD(min(SIZE, weights.shape[1] - 1), n_iter=4, random_state=0)
        self.vectors = self._svd.fit_transform(weights).astype(np.float32)
        self._graph = hnswlib.Index("cosine", self.vectors.shape[1])
        self._graph.init_index(len(self.vectors), M=16, ef_construction=100)
        self._graph.add_items(self.vectors, num_threads=1)
        self._graph.set_ef(DEPTH)

    def vector(self, text: str) -> np.ndarray:
        """Return (256,) float32."""
        projected = self._svd.transform(self._terms.transform([text]))
        return np.asarray(projected[0], np.float32)

    def ask(self, text: str) -> None:
        """Fetch both lists."""
        if plain(text):
            self._searcher.search(self._index.parse_query(plain(text), ["all"]), DEPTH)
        with suppress(RuntimeError):  # many equal vectors can leave fewer within reach: it has searched all the same
            self._graph.knn_query(self.vector(text)[None], k=DEPTH, num_threads=1)


class LanceDB(Peer):
    """Hybrid search of LanceDB over the same texts and vectors, fused by rank; encoding a question is not counted."""

    name = "LanceDB"

    def __init__(self, texts: Sequence[str], bare: Bare, folder: Path) -> None:
        import lancedb
        import pyarrow

        self._bare = bare
        vectors = pyarrow.FixedSizeListArray.from_arrays(bare.vectors.ravel(), bare.vectors.shape[1])
        rows = pyarrow.table({"row": np.arange(len(texts)), "text": list(texts), "vector": vectors})

        def build() -> None:
            self._table = lancedb.connect(folder).create_table("entities", rows)
            self._table.create_fts_index("text")
            self._table.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_HNSW_SQ")

        self.timed(build)

    def asked(self, text: str) -> float:
        """Return CPU milliseconds of one answer, its vector given."""
        vector = self._bare.vector(text)
        start = process_time()
        asking = self._table.search(query_type="hybrid").vector(vector).text(plain(text) or "nothing")
        asking.limit(DEPTH).to_arrow()
        return (process_time() - start) * 1e3


class Bm25s(Peer):
    """BM25 of bm25s, stemmed: one list of the two."""

    name = "bm25s"

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        self._library, self._stemmer = bm25s, Stemmer.Stemmer("english")
        self._index = bm25s.BM25()
        self._count = min(DEPTH, len(texts))
        self.timed(lambda: self._index.index(self._tokens(list(texts)), show_progress=False))

    def _tokens(self, texts: list[str]) -> object:
        return self._library.tokenize(texts, stemmer=self._stemmer, stopwords="en", show_progress=False)

    def ask(self, text: str) -> None:
        """Fetch one list."""
        self._index.retrieve(self._tokens([text]), k=self._count, show_progress=False, n_threads=0)


def peers_of(texts: Sequence[str], folder: Path) -> list[Peer]:
    """Return the bare calls and every peer that is installed, built."""
    bare = Bare(texts, folder / "bare")
    built: list[Peer] = [bare]
    if find_spec("lancedb"):
        built.append(LanceDB(texts, bare, folder / "lance"))
    if find_spec("bm25s"):
        built.append(Bm25s(texts))
    return built


def plain(text: str) -> str:
    """Return a text without what a query parser would take for an operator."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in text).lower().split())
