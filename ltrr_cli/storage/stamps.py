"""Files whose hash was found right on this machine, known again by device, inode, size and time of change.

A stamp spares hashing gigabytes at every start; ``verify`` never trusts one. Links to one file share its stamp: what
did not change from one generation to the next is hashed once. (So the time of the last change of an inode is left
out: it changes with every link.)
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ltrr_cli.storage import disk

Identity = tuple[int, int, int, int]  # (device, inode, bytes, nanoseconds of the last change of the content)


class _Stamp(msgspec.Struct, array_like=True, frozen=True):
    identity: Identity
    sha256: str
    path: str  # where it was met last


class Stamps:
    """A small cache file; without it, or with a damaged one, everything is hashed again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = False
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=list[_Stamp])
        except (OSError, msgspec.MsgspecError):
            stored = []
        self._known = {stamp.identity: stamp for stamp in stored}

    def trusts(self, path: Path, sha256: str) -> bool:
        """Say whether this very file was hashed before and found to be this."""
        known = self._known.get(identity(path))
        return known is not None and known.sha256 == sha256

    def note(self, path: Path, sha256: str) -> None:
        """Remember that a file was hashed and found right."""
        found = identity(path)
        self._known[found] = _Stamp(found, sha256, str(path))
        self._changed = True

    def save(self) -> None:
        """Write the cache if anything is new; failing to is no failure."""
        if self._changed:
            known = [stamp for stamp in self._known.values() if Path(stamp.path).exists()]
            try:
                disk.write_atomic(self._path, msgspec.json.encode(known))
            except Exception:  # noqa: BLE001 -- a read-only or full disk only costs hashing again
                return
            self._changed = False


def identity(path: Path) -> Identity:
    """Return what tells a file, as it is now, from all others."""
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
