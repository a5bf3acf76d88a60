"""Texts to weighted terms: SPLADE-style encoders (Formal et al., SIGIR 2021), run by onnxruntime.

The graph is a masked language model: for every token of a text a score for every term of its vocabulary. A term's
weight is ``max over tokens of ln(1 + max(score, 0))``; a graph that gives one vector per text is taken as it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder import load_tokenizer, open_session, writable
from ltrr_cli.backends.encoder_cache import put, sources_of
from ltrr_cli.backends.encoder_card import GRAPH, TOKENIZER, Card, digest_of, read_card, write_card
from ltrr_cli.backends.files import REBUILD
from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.core.types import FloatArray, IntArray

MOST_TERMS = 128  # of one text, the heaviest
MAX_TOKENS = 256
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_SAMPLE = ("red running shoes", "the weather in Paris")


class SparseEncoder:
    """An open folder of kind "sparse"; the model is loaded when the first text comes."""

    def __init__(self, folder: Path, card: Card, threads: int) -> None:
        self._folder, self._card, self._threads = folder, card, threads
        self._loaded: tuple[Any, Any] | None = None

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> SparseEncoder:
        """Open a folder; raises NotFoundError, DataError for an encoder of another kind, DamagedError."""
        card = read_card(folder)
        if card.kind != "sparse":
            raise DataError(f"{card.name} gives vectors, not terms", hint="ltrr encoder import FOLDER --sparse")
        return cls(folder, card, threads)

    @property
    def size(self) -> int:
        """How many terms there are."""
        return self._card.dimension

    def encode(self, text: str) -> tuple[IntArray, FloatArray]:
        """Return (terms, weights > 0) of one text, the heaviest first; nothing for an empty text."""
        if not text.strip():
            return np.empty(0, np.int32), np.empty(0, np.float32)
        if self._loaded is None:
            tokenizer = load_tokenizer(self._folder / TOKENIZER, self._card.max_tokens)
            self._loaded = tokenizer, open_session(self._folder / GRAPH, self._threads)
        tokenizer, session = self._loaded
        ids = np.array([tokenizer.encode(writable(text)).ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        try:
            wanted = {entry.name: given[entry.name] for entry in session.get_inputs()}
            output = np.asarray(session.run([self._card.output], wanted)[0], np.float32)[0]
        except Exception as error:  # onnxruntime's own errors have no common base
            raise DamagedError(f"{self._folder / GRAPH}: cannot be run: {error}", hint=REBUILD) from None
        weights = np.log1p(np.maximum(output, 0.0)).max(axis=0) if output.ndim == 2 else output
        terms = np.flatnonzero(np.isfinite(weights) & (weights > 0)).astype(np.int32)
        order = np.lexsort((terms, -weights[terms]))[:MOST_TERMS]
        return terms[order], weights[terms[order]].astype(np.float32)


def import_sparse(source: Path, cache: Path, name: str) -> Path:
    """Copy a masked language model with an ONNX graph into the cache; return its new folder.

    It is tried out before it is kept. Raises NotFoundError or DataError.
    """
    graph, tokens = sources_of(source)

    def fill(folder: Path) -> None:
        for path in graph.parent.glob(f"{GRAPH}*"):
            shutil.copyfile(path, folder / path.name)
        shutil.copyfile(tokens, folder / TOKENIZER)
        session = open_session(folder / GRAPH, 1)
        if unknown := {entry.name for entry in session.get_inputs()} - _INPUTS:
            raise DataError(f"{source}: the graph wants {', '.join(sorted(unknown))}")
        outputs = [(entry.name, entry.shape) for entry in session.get_outputs()]
        fits = [(output, shape[-1]) for output, shape in outputs if len(shape) in (2, 3) and isinstance(shape[-1], int)]
        if not fits:
            raise DataError(f"{source}: no output is a score for every term: {outputs}")
        output, size = fits[0]
        write_card(folder, Card("sparse", name, size, MAX_TOKENS, digest_of(folder), "max", output))

    return put(cache, name, fill, _try_out)


def _try_out(folder: Path) -> None:
    """Encode two texts; raises DataError unless they get different terms."""
    encoder = SparseEncoder.open(folder)
    first, second = (dict(zip(*(part.tolist() for part in encoder.encode(text)), strict=True)) for text in _SAMPLE)
    if first == second or not (first or second):
        raise DataError(f"{folder}: gives no sensible terms; it is no sparse encoder")


def index_texts(encoder: SparseEncoder, texts: Sequence[str]) -> tuple[list[list[int]], list[list[float]]]:
    """Return the terms of every text and their weights."""
    found = [encoder.encode(text) for text in texts]
    return [terms.tolist() for terms, _ in found], [weights.tolist() for _, weights in found]
