"""Files whose hash was found right on this machine, known again by size, inode and times.

A stamp spares hashing gigabytes at every start; ``verify`` never trusts one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ltrr_cli.storage import disk

Stamp = tuple[int, int, int, int]


class Stamps:
    """A small cache file; without it, or with a damaged one, everything is hashed again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._changed = False
        try:
            self._known = msgspec.json.decode(path.read_bytes(), type=dict[str, tuple[str, Stamp]])
        except (OSError, msgspec.MsgspecError):
            self._known = {}

    def trusts(self, path: Path, sha256: str) -> bool:
        """Say whether this very file was hashed before and found to be this."""
        return self._known.get(str(path)) == (sha256, _stamp(path))

    def note(self, path: Path, sha256: str) -> None:
        """Remember that a file was hashed and found right."""
        self._known[str(path)] = (sha256, _stamp(path))
        self._changed = True

    def save(self) -> None:
        """Write the cache if anything is new; failing to is no failure."""
        if self._changed:
            known = {path: entry for path, entry in self._known.items() if Path(path).exists()}
            try:
                disk.write_atomic(self._path, msgspec.json.encode(known))
            except Exception:  # noqa: BLE001 -- a read-only or full disk only costs hashing again
                return
            self._changed = False


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return (found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
