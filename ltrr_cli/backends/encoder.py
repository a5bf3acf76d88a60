"""Text to unit vectors: open encoder folders, run by onnxruntime or, for token tables, by numpy alone.

A vector depends on its text alone, never on the texts encoded beside it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder_card import GRAPH, TABLE, TOKENIZER, Card, read_card
from ltrr_cli.backends.encoder_registry import PluggedEncoder, open_plugged
from ltrr_cli.backends.files import REBUILD, map_matrix
from ltrr_cli.core.errors import DamagedError, DataError
from ltrr_cli.core.types import DoubleArray, FloatArray

_BATCH = 32  # texts that share one padded matrix
_TABLE_BATCH = 512
_SUMMED = 64  # texts whose vectors are summed at a time, few enough for a processor's cache
_REMEMBERED = 256  # queries whose vectors are kept
GENERAL, OWN = "general", "own"  # folders of the two tables of a pair
GENERAL_SHARE = 0.7  # of a pair's cosine; see docs/DECISIONS.md

Progress = Callable[[int], object]  # is told how many more texts are done


def open_encoder(folder: Path, *, threads: int = 1) -> OnnxEncoder | TableEncoder | PairEncoder | PluggedEncoder:
    """Open an encoder folder of any kind; quick, the model is loaded when the first text comes.

    threads -- what one call may use; 1 suits queries, 0 (all cores) suits encoding a catalog
    """
    card = read_card(folder)
    kind = card.kind
    if kind == "plugin":
        return open_plugged(folder, card)
    if kind == "sparse":
        raise DataError(f"{folder.name} gives terms, not vectors", hint="catalog.sparse in ltrr.toml, not --encoder")
    if kind == "pair":
        return PairEncoder.open(folder)
    return TableEncoder.open(folder) if kind == "table" else OnnxEncoder.open(folder, threads=threads)


class _Remembering:
    """What both kinds share: their card, and the vectors of the latest single texts."""

    def __init__(self, folder: Path, card: Card) -> None:
        self._folder = folder
        self._card = card
        self._latest: OrderedDict[str, FloatArray] = OrderedDict()

    @property
    def name(self) -> str:
        """The encoder's name."""
        return self._card.name

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._card.dimension

    @property
    def digest(self) -> str:
        """SHA-256 of the encoder's files: what a catalog generation records."""
        return self._card.digest

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> FloatArray:
        """Return (len(texts), dimension) float32; rows have length 1, or 0 where a text has no known token."""
        if len(texts) != 1:
            return self._encode(texts, progress)
        known = self._latest.pop(texts[0], None)
        vector = self._encode(texts, None) if known is None else known
        self._latest[texts[0]] = vector
        while len(self._latest) > _REMEMBERED:
            try:
                self._latest.popitem(last=False)
            except KeyError:  # another thread emptied it
                break
        if progress is not None:
            progress(1)
        return np.array(vector)

    def _encode(self, texts: Sequence[str], progress: Progress | None) -> FloatArray:
        raise NotImplementedError


class TableEncoder(_Remembering):
    """A mean of token vectors: sum of (1 + ln tf) table[token], divided by its length. Nothing but numpy runs."""

    def __init__(self, folder: Path, card: Card, tokenizer: Any, table: FloatArray) -> None:
        super().__init__(folder, card)
        self._tokenizer = tokenizer
        self._table = table

    @classmethod
    def open(cls, folder: Path) -> TableEncoder:
        """Open a folder of kind "table"; raises DamagedError."""
        card = read_card(folder)
        tokenizer = load_tokenizer(folder / TOKENIZER, card.max_tokens)
        path = folder / TABLE
        try:
            rows = int(np.load(path, mmap_mode="r", allow_pickle=False).shape[0])
        except (OSError, ValueError, EOFError, IndexError) as error:
            raise DamagedError(f"{path}: cannot be read: {error}", hint=REBUILD) from None
        return cls(folder, card, tokenizer, map_matrix(path, (rows, card.dimension), np.float16))

    def _encode(self, texts: Sequence[str], progress: Progress | None) -> FloatArray:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        # of many texts every number of the table is used many times: it is widened once
        table = self._table if len(texts) < _TABLE_BATCH else self._table.astype(np.float32)
        for start in range(0, len(texts), _TABLE_BATCH):
            batch = [writable(text) for text in texts[start : start + _TABLE_BATCH]]
            found = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)]
            for place in range(0, len(found), _SUMMED):
                some = found[place : place + _SUMMED]
                vectors[start + place : start + place + len(some)] = self._means(table, some)
            if progress is not None:
                progress(len(batch))
        return vectors

    def _means(self, table: FloatArray, found: Sequence[Sequence[int]]) -> FloatArray:
        """Return (len(found), d) float32, one line per list of tokens."""
        owner = np.repeat(np.arange(len(found)), [len(ids) for ids in found])
        ids = np.fromiter(chain.from_iterable(found), np.int64, len(owner))
        if len(ids) and int(ids.max()) >= len(table):
            raise DamagedError(f"{self._folder}: {TOKENIZER} and {TABLE} are not of one making", hint=REBUILD)
        known = ids > 0  # token 0 stands for every unknown one
        codes, counts = np.unique(owner[known] * len(table) + ids[known], return_counts=True)
        weights = 1.0 + np.log(counts.astype(np.float32))
        owner, ids = np.divmod(codes, len(table))
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        total = np.zeros((len(found), table.shape[1]))
        if len(first):
            # added up row by row in float64, not by BLAS: the sum must not depend on the machine's block sizes
            parts = table[ids].astype(np.float64) * weights[:, None]
            total[owner[first]] = np.add.reduceat(parts, first, axis=0)
        return unit(total)


class PairEncoder(_Remembering):
    """Two token tables side by side: what is known of words anywhere, and what the catalog says of its own.

    A vector is ``(sqrt(s) general, sqrt(1 - s) of the catalog)``, both of length 1: a cosine of two texts is the mean
    of their two cosines by these shares.
    """

    def __init__(self, folder: Path, card: Card, general: TableEncoder, own: TableEncoder) -> None:
        super().__init__(folder, card)
        self._parts = ((np.float32(GENERAL_SHARE**0.5), general), (np.float32((1.0 - GENERAL_SHARE) ** 0.5), own))

    @classmethod
    def open(cls, folder: Path) -> PairEncoder:
        """Open a folder of kind "pair"; raises DamagedError."""
        return cls(folder, read_card(folder), TableEncoder.open(folder / GENERAL), TableEncoder.open(folder / OWN))

    def _encode(self, texts: Sequence[str], progress: Progress | None) -> FloatArray:
        halves = [share * part.encode(texts) for share, part in self._parts]
        if progress is not None:
            progress(len(texts))
        return unit(np.concatenate(halves, axis=1))


class OnnxEncoder(_Remembering):
    """A sentence encoder whose graph onnxruntime runs."""

    def __init__(self, folder: Path, card: Card, threads: int) -> None:
        super().__init__(folder, card)
        self._threads = threads
        self._loaded: tuple[Any, Any] | None = None

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> OnnxEncoder:
        """Open an encoder folder of any kind; raises NotFoundError or DamagedError.

        threads -- what one call may use; 0 is all cores
        """
        card = read_card(folder)
        for name in (GRAPH, TOKENIZER):
            if not (folder / name).is_file():
                raise DamagedError(f"{folder / name} is missing", hint=REBUILD)
        return cls(folder, card, threads)

    def _encode(self, texts: Sequence[str], progress: Progress | None) -> FloatArray:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        if not texts:
            return vectors
        tokenizer, session = self._load()
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast([writable(text) for text in texts])]
        # texts of one length together: padding is computed like words (1.5 to 2 times the speed on real catalogs)
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            vectors[places] = self._run(session, [ids[place] for place in places])
            if progress is not None:
                progress(len(places))
        return vectors

    def _run(self, session: Any, ids: Sequence[Sequence[int]]) -> FloatArray:
        longest = max(1, *(len(row) for row in ids)) if len(ids) > 1 else max(1, len(ids[0]))
        padded = np.zeros((len(ids), longest), np.int64)  # (texts, tokens)
        mask = np.zeros((len(ids), longest), np.int64)
        for place, row in enumerate(ids):
            padded[place, : len(row)] = row
            mask[place, : len(row)] = 1
        given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
        try:
            wanted = {entry.name: given[entry.name] for entry in session.get_inputs()}
            output = session.run([self._card.output], wanted)[0]
        except Exception as error:  # onnxruntime's own errors have no common base
            raise DamagedError(f"{self._folder / GRAPH}: cannot be run: {_line(error)}", hint=REBUILD) from None
        pooled = pool(np.asarray(output, np.float32), mask, self._card.pooling)
        if pooled.shape != (len(ids), self.dimension):
            raise DamagedError(f"{self._folder / GRAPH}: gives {pooled.shape[1:]}, not {self.dimension} numbers")
        return unit(pooled)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            tokenizer = load_tokenizer(self._folder / TOKENIZER, self._card.max_tokens)
            self._loaded = tokenizer, open_session(self._folder / GRAPH, self._threads)
        return self._loaded


def open_session(path: Path, threads: int) -> Any:
    """Open an ONNX graph for the CPU; raises DamagedError. Idle threads sleep instead of spinning."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads if threads > 0 else os.cpu_count() or 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common base
        raise DamagedError(f"{path}: no ONNX graph that can be run: {_line(error)}", hint=REBUILD) from None


def load_tokenizer(path: Path, max_tokens: int) -> Any:
    """Load a tokenizer.json without its padding and with our own cut; raises DamagedError."""
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise DamagedError(f"{path}: no tokenizer: {_line(error)}", hint=REBUILD) from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def pool(output: FloatArray, mask: np.ndarray[Any, np.dtype[np.int64]], pooling: str) -> FloatArray:
    """Make (texts, tokens, d) into (texts, d); ``mask`` is (texts, tokens), 1 for a token and 0 for padding.

    >>> pool(np.float32([[[1, 2], [3, 4], [9, 9]]]), np.array([[1, 1, 0]]), "mean").tolist()
    [[2.0, 3.0]]
    """
    if pooling == "none":
        return output
    if output.ndim != 3:
        raise DamagedError(f"pooling {pooling!r} needs one vector per token; the graph gives {output.shape}")
    if pooling == "cls":
        return output[:, 0]
    kept = mask[:, :, None].astype(np.float32)
    if pooling == "max":
        highest: FloatArray = np.where(kept > 0, output, np.float32(-np.inf)).max(axis=1)
        return highest
    total: FloatArray = (output * kept).sum(axis=1) / np.maximum(kept.sum(axis=1), 1.0)
    return total


def unit(vectors: FloatArray | DoubleArray) -> FloatArray:
    """Bring rows to length 1; rows of length 0, and rows with a number that is not finite, become 0."""
    exact = vectors.astype(np.float64)
    lengths = np.sqrt((exact * exact).sum(axis=1, keepdims=True))
    usable = np.isfinite(lengths) & (lengths > 1e-12)
    return np.where(usable, exact / np.where(usable, lengths, 1.0), 0.0).astype(np.float32)


def writable(text: str) -> str:
    """Replace what UTF-8 cannot hold (lone surrogates); the tokenizer would refuse the whole batch."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0][:200]
