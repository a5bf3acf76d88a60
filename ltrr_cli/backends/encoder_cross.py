"""Cross-encoders: one score for a query and a text read together. Imported, pinned by hash, run by onnxruntime.

They lie in the user's cache beside the encoders, in a folder of their own, for they give no vectors.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder import load_tokenizer, open_session, writable
from ltrr_cli.backends.encoder_cache import put_at, sources_of
from ltrr_cli.backends.encoder_card import GRAPH, TOKENIZER, Card, digest_of, read_card, write_card
from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError, UsageError
from ltrr_cli.core.types import FloatArray

KIND = "cross"
LONGEST = 512  # tokens of a pair, where the model does not say
IMPORT = "ltrr encoder import FOLDER --cross --name NAME"
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}


class CrossEncoder:
    """Scores (query, text) pairs; the model is loaded when the first pair comes."""

    def __init__(self, folder: Path, card: Card) -> None:
        self._folder, self._card = folder, card
        self._loaded: tuple[Any, Any] | None = None

    @classmethod
    def open(cls, folder: Path) -> CrossEncoder:
        """Open a folder; raises NotFoundError, DamagedError. The files are hashed: a changed one is not run."""
        card = read_card(folder)
        if card.kind != KIND:
            raise DamagedError(f"{folder}: no cross-encoder", hint=IMPORT)
        if digest_of(folder) != card.digest:
            raise DamagedError(f"{folder}: its files are not those that were imported", hint=IMPORT)
        return cls(folder, card)

    @property
    def name(self) -> str:
        """The name it was imported under."""
        return self._card.name

    def score(self, query: str, texts: Sequence[str]) -> FloatArray:
        """Return (len(texts),) float32, larger fits better; raises DamagedError where the graph fails."""
        if not texts:
            return np.empty(0, np.float32)
        tokenizer, session = self._load()
        pairs = tokenizer.encode_batch([(writable(query), writable(text)) for text in texts])
        shape = (len(pairs), max(1, *(len(pair.ids) for pair in pairs)) if len(pairs) > 1 else len(pairs[0].ids))
        given = {name: np.zeros(shape, np.int64) for name in _INPUTS}
        for place, pair in enumerate(pairs):
            given["input_ids"][place, : len(pair.ids)] = pair.ids
            given["attention_mask"][place, : len(pair.ids)] = 1
            given["token_type_ids"][place, : len(pair.ids)] = pair.type_ids
        try:
            wanted = {entry.name: given[entry.name] for entry in session.get_inputs()}
            output = np.asarray(session.run([self._card.output], wanted)[0], np.float32)
        except Exception as error:  # onnxruntime's own errors have no common base
            reason = str(error).strip().split("\n")[0][:200]
            raise DamagedError(f"{self._folder / GRAPH}: cannot be run: {reason}", hint=IMPORT) from None
        # one column is a score; of two the second says "fits"
        scores = output[:, -1] - output[:, 0] if output.ndim == 2 and output.shape[1] == 2 else output.reshape(-1)
        if scores.shape != (len(texts),) or not np.isfinite(scores).all():
            raise DamagedError(f"{self._folder / GRAPH}: gives no score per pair", hint=IMPORT)
        return scores

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            tokenizer = load_tokenizer(self._folder / TOKENIZER, self._card.max_tokens)
            self._loaded = tokenizer, open_session(self._folder / GRAPH, 1)
        return self._loaded


def find_cross(cache: Path, name: str) -> Path:
    """Return the folder of an imported cross-encoder; raises NotFoundError, UsageError."""
    folder = _place(cache, name)
    if not folder.is_dir():
        raise NotFoundError(f"no cross-encoder {name!r} in {cache}", hint=IMPORT)
    return folder


def import_cross(source: Path, cache: Path, name: str) -> Path:
    """Copy a folder with ``model.onnx`` (or ``onnx/model.onnx``) and ``tokenizer.json`` into the cache.

    It is tried out before it is kept, in the place of an older one of that name. Raises NotFoundError, DataError,
    DamagedError, NoSpaceError.
    """
    graph, tokenizer = sources_of(source)
    place = _place(cache, name)

    def fill(folder: Path) -> None:
        for path in graph.parent.glob(f"{GRAPH}*"):
            shutil.copyfile(path, folder / path.name)
        shutil.copyfile(tokenizer, folder / TOKENIZER)
        card = Card(KIND, name, 1, _max_tokens(source), digest_of(folder), "none", _output(folder, source))
        write_card(folder, card)

    put_at(place, fill, _try_out)
    return place


def _try_out(folder: Path) -> None:
    scores = CrossEncoder.open(folder).score("red shoes", ("red running shoes", "the weather in Paris", ""))
    if not np.ptp(scores):
        raise DataError(f"{folder}: gives all texts one score; it is no cross-encoder")


def _output(folder: Path, source: Path) -> str:
    session = open_session(folder / GRAPH, 1)
    unknown = {entry.name for entry in session.get_inputs()} - _INPUTS
    if unknown:
        raise DataError(f"{source}: the graph wants {', '.join(sorted(unknown))}; a cross-encoder reads tokens only")
    names = [entry.name for entry in session.get_outputs()]
    return str(names[names.index("logits")] if "logits" in names else names[0])


def _max_tokens(source: Path) -> int:
    path = source / "tokenizer_config.json"
    try:
        found = json.loads(path.read_text("utf-8")).get("model_max_length") if path.is_file() else None
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    return min(found, LONGEST) if isinstance(found, int) and found > 0 else LONGEST


def _place(cache: Path, name: str) -> Path:
    if not name or name.startswith(".") or not all(c.isalnum() or c in "._-" for c in name):
        raise UsageError(f"{name!r} cannot be a cross-encoder's name", hint="use letters, digits, dots and dashes")
    return cache / "cross-encoders" / name
