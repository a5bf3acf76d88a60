"""What a sealed folder must hold: every file's size and SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.storage import disk
from ltrr_cli.storage.stamps import Identity, identity

MANIFEST = "MANIFEST.json"
FORMAT = 1
_CHUNK = 1 << 20


class File(msgspec.Struct, frozen=True):
    """One sealed file."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """All files of a sealed folder, by path relative to it."""

    format: int
    kind: str
    number: int
    files: dict[str, File]


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what its manifest says.

    part -- the top folder (or file) of the generation that it belongs to: "memory", "policy", ...
    mend -- the command that mends it
    """

    path: Path
    reason: str
    part: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} (mend it with `{self.mend}`)"


def seal(folder: Path, kind: str, number: int, known: Mapping[Identity, str] | None = None) -> str:
    """Hash and fsync every file, write the manifest; return its SHA-256.

    known -- hashes of files that are sealed elsewhere: links to these are neither read nor synced again
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        sha256 = (known or {}).get(identity(path))
        files[path.relative_to(folder).as_posix()] = File(path.stat().st_size, sha256 or hash_file(path))
        if sha256 is None:
            disk.sync_file(path)
    for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
        disk.sync_folder(inner)
    data = msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, kind, number, files)))
    disk.write_atomic(folder / MANIFEST, data)
    return hashlib.sha256(data).hexdigest()


def read(folder: Path, sha256: str) -> Manifest:
    """Read a manifest whose hash is known; raises DamagedError."""
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedError(f"{path}: not the manifest that was published")
    manifest = msgspec.json.decode(data, type=Manifest)
    if manifest.format > FORMAT:
        raise DamagedError(f"{path}: format {manifest.format} is newer than this version of ltrr reads ({FORMAT})")
    return manifest


def digest_of(manifest: Manifest, part: str) -> str:
    """Return a SHA-256 over the files of one top folder: what they hold, whatever the rest of the generation does."""
    told = [f"{path} {file.sha256}\n" for path, file in sorted(manifest.files.items()) if path.startswith(f"{part}/")]
    return hashlib.sha256("".join(told).encode()).hexdigest()


def hash_file(path: Path) -> str:
    """Return a file's SHA-256 in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
