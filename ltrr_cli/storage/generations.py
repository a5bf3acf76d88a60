"""Sealed generations and the one small mutable file that names the current ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.storage import disk
from ltrr_cli.storage.manifest import FORMAT, MANIFEST, Damage, hash_file, read, seal
from ltrr_cli.storage.stamps import Stamps

KINDS = ("catalog", "learned")
MEND = {"catalog": "ltrr index CATALOG", "learned": "ltrr ingest-feedback"}


class Current(msgspec.Struct, frozen=True):
    """``CURRENT.json``: the generations that answer. 0 and "" where nothing was learnt yet."""

    format: int
    catalog: int
    catalog_sha256: str
    learned: int
    learned_sha256: str
    check: str  # SHA-256 over the other fields

    def rightly_checked(self) -> bool:
        """Say whether the check sum fits."""
        return self.check == _check(self)


@dataclass(frozen=True, slots=True)
class Opened:
    """Verified folders; ``damaged`` lists what must not be read of the learned one."""

    catalog: Path
    learned: Path | None
    damaged: tuple[Damage, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A generation being written."""

    folder: Path
    number: int


@dataclass(frozen=True, slots=True)
class Verification:
    """What a full check found."""

    damages: tuple[Damage, ...]
    files: int


class Generations:
    """The generations of one workspace."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._drafted: dict[tuple[str, int], str] = {}  # sealed here: manifest hashes

    def current(self) -> Current | None:
        """Return what is published, or None; raises DamagedError."""
        path = self._home / "CURRENT.json"
        try:
            current = msgspec.json.decode(path.read_bytes(), type=Current)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise DamagedError(f"{path}: {error}", hint="ltrr index CATALOG publishes a new one") from None
        if current.format > FORMAT:
            raise DamagedError(f"{path}: format {current.format} is newer than this version of ltrr reads ({FORMAT})")
        if not current.rightly_checked():
            raise DamagedError(f"{path}: its check sum does not fit", hint="ltrr index CATALOG publishes a new one")
        return current

    @contextmanager
    def draft(self, kind: str) -> Iterator[Draft]:
        """Give a folder to write a generation into; sealed and renamed on success, removed on failure."""
        number = 1 + max((int(path.name[:4]) for path in self._root(kind).glob("[0-9]*")), default=0)
        draft = Draft(self._root(kind) / f"{number:04d}.tmp", number)
        disk.make_folder(draft.folder)
        try:
            yield draft
            digest = seal(draft.folder, kind, number)
            disk.move_folder(draft.folder, self.folder(kind, number))
        except Exception:
            if draft.folder.is_dir():
                disk.remove_folder(draft.folder)
            raise
        self._drafted[kind, number] = digest

    def publish(self, *, catalog: int | None = None, learned: int | None = None) -> None:
        """Make drafted generations the current ones, in one atomic step; what is not named stays."""
        now = self.current_or_none()
        named = {"catalog": catalog, "learned": learned}
        parts: dict[str, tuple[int, str]] = {}
        for kind, number in named.items():
            kept = (getattr(now, kind), getattr(now, f"{kind}_sha256")) if now else (0, "")
            parts[kind] = kept if number is None else (number, self._drafted[kind, number])
        if catalog is not None and learned is None:
            parts["learned"] = (0, "")  # what was learnt holds rows of the catalog before
        draft = Current(FORMAT, *parts["catalog"], *parts["learned"], check="")
        checked = Current(FORMAT, *parts["catalog"], *parts["learned"], check=_check(draft))
        disk.write_atomic(self._home / "CURRENT.json", msgspec.json.format(msgspec.json.encode(checked)))

    def current_or_none(self) -> Current | None:
        """Return what is published; a damaged pointer counts as none, for a publication replaces it."""
        try:
            return self.current()
        except DamagedError:
            return None

    def open(self) -> Opened:
        """Check every file of both current generations, then name their folders.

        Raises DamagedError for a damaged catalog; damages of what was learnt are returned, so that it falls back.
        """
        current = self.current()
        if current is None:
            raise DamagedError(f"{self._home}: nothing is published", hint=MEND["catalog"])
        stamps = Stamps(self._home / "stamps.json")
        damages, _ = self._check("catalog", current.catalog, current.catalog_sha256, stamps)
        if damages:
            raise DamagedError(f"{damages[0].path}: {damages[0].reason}", hint=MEND["catalog"])
        learned: tuple[Damage, ...] = ()
        if current.learned:
            learned, _ = self._check("learned", current.learned, current.learned_sha256, stamps)
        stamps.save()
        folder = self.folder("learned", current.learned) if current.learned else None
        return Opened(self.folder("catalog", current.catalog), folder, learned)

    def damages_of_learned(self) -> tuple[Damage, ...]:
        """Return what must not be read of the current learned generation."""
        current = self.current_or_none()
        if current is None or not current.learned:
            return ()
        return self._check("learned", current.learned, current.learned_sha256, None)[0]

    def verify(self) -> Verification:
        """Hash every file of both current generations, trusting no stamp."""
        try:
            current = self.current()
        except DamagedError as error:
            return Verification((Damage(self._home / "CURRENT.json", str(error), "CURRENT.json", MEND["catalog"]),), 1)
        damages: list[Damage] = []
        files = 1
        if current is not None:
            for kind, number, digest in (
                ("catalog", current.catalog, current.catalog_sha256),
                ("learned", current.learned, current.learned_sha256),
            ):
                if number:
                    found, count = self._check(kind, number, digest, None)
                    damages += found
                    files += count
        return Verification(tuple(damages), files)

    def folder(self, kind: str, number: int) -> Path:
        """Return where a sealed generation lies."""
        return self._root(kind) / f"{number:04d}"

    def _root(self, kind: str) -> Path:
        return self._home / kind

    def _check(self, kind: str, number: int, digest: str, stamps: Stamps | None) -> tuple[tuple[Damage, ...], int]:
        folder = self.folder(kind, number)
        try:
            manifest = read(folder, digest)
        except DamagedError as error:
            return (Damage(folder / MANIFEST, str(error), "fold.json", MEND[kind]),), 1
        damages = []
        for name, file in manifest.files.items():
            path = folder / name
            reason = _damage(path, file.size, file.sha256, stamps)
            if reason is not None:
                damages.append(Damage(path, reason, name.split("/")[0], MEND[kind]))
        return tuple(damages), len(manifest.files) + 1


def _damage(path: Path, size: int, sha256: str, stamps: Stamps | None) -> str | None:
    """Return why a file is not what was sealed, or None."""
    try:
        found = path.stat().st_size
        if found != size:
            return f"{found} bytes instead of {size}"
        if stamps is not None and stamps.trusts(path, sha256):
            return None
        if hash_file(path) != sha256:
            return "its content was changed"
        if stamps is not None:
            stamps.note(path, sha256)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _check(current: Current) -> str:
    fields = (current.format, current.catalog, current.catalog_sha256, current.learned, current.learned_sha256)
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
