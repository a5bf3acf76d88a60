"""The user's cache of encoders, shared by all workspaces: where it is, what it holds, what is put into it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder import open_encoder, open_session
from ltrr_cli.backends.encoder_card import GRAPH, TOKENIZER, Card, digest_of, read_card, write_card
from ltrr_cli.backends.files import disk_error
from ltrr_cli.core.errors import DataError, LtrrError, NotFoundError, UsageError

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
}
_SAMPLE = ("red running shoes", "the weather in Paris", "")


def cache_root(environment: Mapping[str, str] | None = None) -> Path:
    """Return ``LTRR_CACHE``, or else the user's cache folder; it may not exist yet."""
    given = (os.environ if environment is None else environment).get("LTRR_CACHE")
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_cache_dir("ltrr"))


def list_encoders(cache: Path) -> list[Card]:
    """Return what the cache holds, by name; folders that are no encoder are passed over."""
    cards = []
    for folder in sorted(_home(cache).glob("*")):
        try:
            cards.append(read_card(folder))
        except LtrrError:
            continue
    return cards


def find_encoder(cache: Path, name: str) -> Path:
    """Return the folder of an encoder in the cache; raises NotFoundError."""
    folder = _home(cache) / _plain(name)
    if not folder.is_dir():
        known = ", ".join(card.name for card in list_encoders(cache)) or "none"
        pulled = name.startswith("minilm") or name == "static"
        hint = f"ltrr encoder pull {name}" if pulled else "ltrr encoder import FOLDER --name NAME"
        raise NotFoundError(f"no encoder {name!r} in {cache}; it has: {known}", hint=hint)
    read_card(folder)
    return folder


def import_folder(source: Path, cache: Path, name: str) -> Path:
    """Copy a sentence-transformers folder with an ONNX graph into the cache; return its new folder.

    Wanted are ``onnx/model.onnx`` or ``model.onnx``, ``tokenizer.json``, and ``1_Pooling/config.json`` unless the graph
    itself gives one vector per text. It is tried out before it is kept. Raises NotFoundError or DataError.
    """
    graph, tokens = sources_of(source)

    def fill(folder: Path) -> None:
        for path in graph.parent.glob(f"{GRAPH}*"):  # large graphs keep their numbers in model.onnx_data
            shutil.copyfile(path, folder / path.name)
        shutil.copyfile(tokens, folder / TOKENIZER)
        output, pooling, dimension = _reading(folder, source)
        write_card(folder, Card("onnx", name, dimension, _max_tokens(source), digest_of(folder), pooling, output))

    return put(cache, name, fill)


def sources_of(source: Path) -> tuple[Path, Path]:
    """Return (graph, tokenizer) of an exported model; raises NotFoundError."""
    graph = next((path for path in (source / "onnx" / GRAPH, source / GRAPH) if path.is_file()), None)
    if graph is None or not (source / TOKENIZER).is_file():
        raise NotFoundError(
            f"{source}: no {GRAPH} (or onnx/{GRAPH}) beside a {TOKENIZER}",
            hint="export the model first: optimum-cli export onnx --model MODEL FOLDER",
        )
    return graph, source / TOKENIZER


def put(cache: Path, name: str, fill: Callable[[Path], object], check: Callable[[Path], object] | None = None) -> Path:
    """Let ``fill`` make an encoder folder, try it out, and only then put it in the place of an older one.

    check -- tries it out; None: as a sentence encoder
    Raises what ``fill`` raises, DataError where the encoder gives nothing sensible, NoSpaceError.
    """
    place = _home(cache) / _plain(name)
    put_at(place, fill, check or try_out)
    return place


def put_at(place: Path, fill: Callable[[Path], object], check: Callable[[Path], object]) -> None:
    """Let ``fill`` make a folder, ``check`` it, and only then put it in the place of an older one."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as scratch:
            folder = Path(scratch) / "encoder"
            folder.mkdir()
            fill(folder)
            check(folder)
            if place.exists():
                place.rename(Path(scratch) / "old")
            folder.rename(place)
    except OSError as error:
        raise disk_error(error, place) from error


def try_out(folder: Path) -> None:
    """Encode a few texts; raises DataError unless different texts get different vectors of length 1."""
    vectors = open_encoder(folder).encode(_SAMPLE)
    if not np.allclose((vectors[:2] ** 2).sum(axis=1), 1.0, atol=1e-3) or float(vectors[0] @ vectors[1]) > 0.999:
        raise DataError(f"{folder}: gives no sensible vectors; it is no sentence encoder")


def _reading(folder: Path, source: Path) -> tuple[str, str, int]:
    """Find which output to read and how to pool it: (output, pooling, dimension)."""
    session = open_session(folder / GRAPH, 1)
    unknown = {entry.name for entry in session.get_inputs()} - _INPUTS
    if unknown:
        raise DataError(f"{source}: the graph wants {', '.join(sorted(unknown))}; a sentence encoder reads tokens only")
    outputs = [(entry.name, entry.shape) for entry in session.get_outputs()]
    pooling = _pooling(source)
    for wanted, how in ((2, "none"), (3, pooling)):
        for output, shape in outputs:
            if len(shape) == wanted and isinstance(shape[-1], int) and (wanted == 2) == (how == "none"):
                return output, how, shape[-1]
    raise DataError(f"{source}: no output of the graph is one vector per text or, with a pooling, per token: {outputs}")


def _pooling(source: Path) -> str:
    """Read how token vectors become one; "none" where nothing says so."""
    modules = source / "modules.json"
    if modules.is_file() and any(str(module.get("type", "")).endswith(".Dense") for module in _json(modules, list)):
        raise DataError(f"{source}: has a dense layer after the pooling, which its ONNX graph lacks")
    path = source / "1_Pooling" / "config.json"
    if not path.is_file():
        return "none"
    config = _json(path, dict)
    chosen = [how for key, how in _POOLINGS.items() if config.get(key) is True]
    others = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    if len(chosen) != 1 or len(others) != 1:
        raise DataError(f"{path}: {', '.join(others) or 'no pooling'}; one of mean, cls or max is supported")
    return chosen[0]


def _max_tokens(source: Path) -> int:
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        if (source / name).is_file():
            value = _json(source / name, dict).get(key)
            if isinstance(value, int) and 1 <= value <= 8_192:  # some say 10**30 for "no bound"
                return value
    return 512


def _json(path: Path, kind: type) -> Any:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    if not isinstance(content, kind):
        raise DataError(f"{path}: not a JSON {kind.__name__}")
    return content


def _home(cache: Path) -> Path:
    return cache / "encoders"


def _plain(name: str) -> str:
    if not name or name.startswith(".") or not all(c.isalnum() or c in "._-" for c in name) or name == "catalog":
        raise UsageError(f"{name!r} cannot be an encoder's name", hint="use letters, digits, dots and dashes")
    return name
