"""What an encoder folder is.

``encoder.json`` says what it is, ``tokenizer.json`` cuts text, ``model.onnx`` makes the vectors. A folder of kind "table"
also holds ``table.npy``, one vector per token, so that no ONNX session (80 to 275 ms) is loaded to look up five words.
"""  # noqa: E501

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.backends.files import REBUILD, field, read_json, write_json
from ltrr_cli.core.errors import DamagedError, NotFoundError

FORMAT = 1
HEADER = "encoder.json"
GRAPH = "model.onnx"
TABLE = "table.npy"
TOKENIZER = "tokenizer.json"
KINDS = ("onnx", "table", "pair", "cross", "sparse", "plugin")  # the last: code of another package
POOLINGS = ("none", "mean", "cls", "max")  # none: the graph gives one vector per text itself


@dataclass(frozen=True, slots=True)
class Card:
    """What ``encoder.json`` says.

    kind       -- "onnx", "table": a mean of token vectors, "pair": two tables side by side, "cross": a score per pair
                  of texts, "sparse": weighted terms, "plugin": an encoder of another package, registered as ``name``
    max_tokens -- longer texts are cut
    pooling    -- one of POOLINGS, how token vectors become one
    output     -- the graph's output that is read
    digest     -- SHA-256 over the other files; equal digests give equal vectors
    """

    kind: str
    name: str
    dimension: int
    max_tokens: int
    digest: str
    pooling: str = "none"
    output: str = "sentence_embedding"


def write_card(folder: Path, card: Card) -> None:
    """Write ``encoder.json``, last: a folder without it is not an encoder."""
    content = {name: getattr(card, name) for name in Card.__slots__}
    write_json(folder / HEADER, {"format": FORMAT, **content})


def read_card(folder: Path) -> Card:
    """Read ``encoder.json``; raises NotFoundError where there is none and DamagedError where it makes no sense."""
    path = folder / HEADER
    if not path.exists():
        raise NotFoundError(f"{folder}: no encoder there", hint="ltrr encoder list")
    content = read_json(path)
    if field(content, "format", int, path) != FORMAT:
        raise DamagedError(f"{path}: format {content['format']}, this version reads {FORMAT}", hint=REBUILD)
    words = {name: field(content, name, str, path) for name in ("kind", "name", "digest", "pooling", "output")}
    numbers = {name: field(content, name, int, path) for name in ("dimension", "max_tokens")}
    card = Card(**words, **numbers)
    if card.kind not in KINDS or card.pooling not in POOLINGS or min(numbers.values()) < 1:
        raise DamagedError(f"{path}: an encoder of a kind that this version does not know", hint=REBUILD)
    return card


def digest_of(folder: Path) -> str:
    """Return the SHA-256 over all files of an encoder folder but its ``encoder.json``, by name and content."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path != folder / HEADER and path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()
