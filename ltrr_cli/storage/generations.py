"""Sealed generations and the one small mutable file that names the current ones."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ltrr_cli.core.errors import DamagedError, NotFoundError
from ltrr_cli.storage import disk
from ltrr_cli.storage.lock import Hold, hold, is_held
from ltrr_cli.storage.manifest import FORMAT, MANIFEST, Damage, Manifest, hash_file, read, seal
from ltrr_cli.storage.stamps import Identity, Stamps, identity

KINDS = ("catalog", "learned")
RETRIES = 10  # of a reader who is overtaken by publications
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
    """Verified folders; ``damaged`` lists what must not be read of the learned one.

    holds -- open files with a shared lock: as long as they live, no ``sweep`` removes these generations
    """

    catalog: Path
    learned: Path | None
    damaged: tuple[Damage, ...] = ()
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed, kept because somebody reads it, and how many bytes came free."""

    removed: tuple[Path, ...]
    held: tuple[Path, ...]
    freed: int


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
        self._hashes: dict[Identity, str] = {}  # of files that are known to be as sealed

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
            with disk.translated(draft.folder):  # libraries write here too, in ways of their own
                yield draft
            digest = seal(draft.folder, kind, number, self._hashes)
            disk.move_folder(draft.folder, self.folder(kind, number))
        except Exception:
            if draft.folder.is_dir():
                disk.remove_folder(draft.folder)
            raise
        self._drafted[kind, number] = digest
        stamps = Stamps(self._home / "stamps.json")
        self._note(kind, number, read(self.folder(kind, number), digest), stamps)
        stamps.save()

    def trust(self, kind: str, number: int) -> None:
        """Remember the hashes of a sound generation's files, which drafts may link to."""
        self._note(kind, number, read(self.folder(kind, number), self.seal_of(kind, number)), None)

    def _note(self, kind: str, number: int, manifest: Manifest, stamps: Stamps | None) -> None:
        for name, file in manifest.files.items():
            path = self.folder(kind, number) / name
            self._hashes[identity(path)] = file.sha256
            if stamps is not None:
                stamps.note(path, file.sha256)

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
        checked = msgspec.structs.replace(draft, check=_check(draft))
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
        current, holds = self._held()
        stamps = Stamps(self._home / "stamps.json")
        damages, _ = self._check("catalog", current.catalog, current.catalog_sha256, stamps)
        if damages:
            raise DamagedError(f"{damages[0].path}: {damages[0].reason}", hint=MEND["catalog"])
        learned: tuple[Damage, ...] = ()
        if current.learned:
            learned, _ = self._check("learned", current.learned, current.learned_sha256, stamps)
        stamps.save()
        folder = self.folder("learned", current.learned) if current.learned else None
        return Opened(self.folder("catalog", current.catalog), folder, learned, holds)

    def _held(self) -> tuple[Current, tuple[Hold, ...]]:
        """Return what is published, and a hold on it; raises DamagedError where nothing is."""
        for _ in range(RETRIES):
            if (current := self.current()) is None:
                break
            holds = self._hold(current)
            if self.current() == current:  # nothing was published, and so swept, before it was held
                return current, holds
        raise DamagedError(f"{self._home}: nothing is published", hint=MEND["catalog"])

    def _hold(self, current: Current) -> tuple[Hold, ...]:
        named = (("catalog", current.catalog), ("learned", current.learned))
        found = (hold(self.folder(kind, number) / MANIFEST) for kind, number in named if number)
        return tuple(one for one in found if one is not None)

    def adopt(self, kind: str, number: int) -> None:
        """Make an older generation ready to be published again; raises NotFoundError, DamagedError."""
        folder = self.folder(kind, number)
        if not folder.is_dir():
            raise NotFoundError(f"no {kind} generation {number} in {self._home}", hint="`ltrr gc` may have removed it")
        try:
            digest = self.seal_of(kind, number)
        except OSError as error:
            raise DamagedError(f"{folder / MANIFEST}: {error.strerror}", hint=MEND[kind]) from None
        damages, _ = self._check(kind, number, digest, None)
        if damages:
            raise DamagedError(f"{damages[0].path}: {damages[0].reason}", hint=MEND[kind])
        self._drafted[kind, number] = digest

    def numbers(self, kind: str) -> list[int]:
        """Return the sealed generations of a kind, newest first."""
        folders = (path for path in self._root(kind).glob("[0-9]*") if path.name.isdecimal() and path.is_dir())
        return sorted((int(path.name) for path in folders), reverse=True)

    def sweep(self, keep: Mapping[str, Collection[int]]) -> Swept:
        """Remove generations not in ``keep`` that nobody reads, and drafts that a death left behind.

        The publication lock is the caller's: no draft is being written.
        """
        removed, held, freed = [], [], 0
        for kind in keep:
            stale = [self.folder(kind, number) for number in self.numbers(kind) if number not in keep[kind]]
            for folder in (*stale, *sorted(self._root(kind).glob("*.tmp"))):
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                if folder.suffix != ".tmp" and is_held(folder / MANIFEST):
                    held.append(folder)
                    continue
                gone = folder.with_suffix(".tmp")
                if gone != folder:  # renamed first: what a death leaves half removed is a draft, not a generation
                    disk.move_folder(folder, gone)
                disk.remove_folder(gone)
                removed.append(folder)
                freed += size
        return Swept(tuple(removed), tuple(held), freed)

    def damages_of_learned(self) -> tuple[Damage, ...]:
        """Return what must not be read of the current learned generation."""
        current = self.current_or_none()
        if current is None or not current.learned:
            return ()
        stamps = Stamps(self._home / "stamps.json")
        return self._check("learned", current.learned, current.learned_sha256, stamps)[0]

    def is_sound(self, kind: str, number: int) -> bool:
        """Say whether a sealed generation is as it was sealed."""
        try:
            return not self._check(kind, number, self.seal_of(kind, number), Stamps(self._home / "stamps.json"))[0]
        except OSError:
            return False

    def seal_of(self, kind: str, number: int) -> str:
        """Return the hash of a generation's manifest."""
        return hash_file(self.folder(kind, number) / MANIFEST)

    def verify(self) -> Verification:
        """Hash every file of both current generations, trusting no stamp."""
        try:
            current = self.current()
        except DamagedError as error:
            return Verification((Damage(self._home / "CURRENT.json", str(error), "CURRENT.json", MEND["catalog"]),), 1)
        damages: list[Damage] = []
        files = 1
        if current is not None:
            catalog, learned = (current.catalog, current.catalog_sha256), (current.learned, current.learned_sha256)
            for kind, (number, digest) in (("catalog", catalog), ("learned", learned)):
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
            if (reason := _damage(path, file.size, file.sha256, stamps)) is not None:
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
