"""The open state of a workspace: what every verb needs of a folder, and nothing that a verb does."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock, local
from typing import Any

from ltrr_cli.core.config import Settings, load_settings
from ltrr_cli.core.errors import LtrrError, NotFoundError, UsageError
from ltrr_cli.engine.live_snapshot import LiveSnapshot
from ltrr_cli.engine.query_cache import QueryCache
from ltrr_cli.engine.remotes import RemoteRetrievers
from ltrr_cli.engine.rules import RULES, RuleSet, read_rules
from ltrr_cli.engine.snapshot import Snapshot, open_snapshot
from ltrr_cli.storage.generations import Current, Generations
from ltrr_cli.storage.journal import Journal
from ltrr_cli.storage.lock import publication
from ltrr_cli.storage.manifest import MANIFEST, digest_of, read


class State:
    """Settings, generations, journal and the open snapshot of one workspace folder.

    Opening costs nothing; the journal and a snapshot are opened when they are first asked for, and a newer snapshot
    once a newer generation is published. Many threads may ask at once: they share the snapshot, and each has its own
    connection to the journal. A snapshot that was handed out stays as it is, whatever is learnt meanwhile.
    """

    expects_events = False  # what will learn is opened twice at once

    def __init__(self, home: str | Path, **flags: Any) -> None:
        self.home = _folder(Path(home))
        self.settings: Settings = load_settings(self.home, **flags)
        self._remotes: RemoteRetrievers | None = None
        self._rules: tuple[tuple[int, int], RuleSet] | None = None  # as of (modified, size) of their file
        self.generations = Generations(self.home)
        self._open: tuple[LiveSnapshot, Current] | None = None
        self.on_open: Callable[[LiveSnapshot, Current], None] | None = None  # lets it learn what is not published yet
        self.live: object | None = None  # what lets the snapshot learn, once something is recorded
        self._opening = Lock()
        self._texts: tuple[bytes, QueryCache] | None = None  # with the manifest of the catalog generation they are of
        self._per_thread = local()

    @property
    def journal(self) -> Journal:
        """The journal, opened once by every thread that asks."""
        mine: Journal | None = getattr(self._per_thread, "journal", None)
        if mine is None:
            if self.writable():
                self._make_home()
            mine = self._per_thread.journal = Journal(self.home / "journal.db", writable=self.writable())
        return mine

    def snapshot(self) -> Snapshot:
        """Return the open state of the current generations; raises NotFoundError where nothing was indexed."""
        current = self.current()
        with self._opening:
            if self._open is None or self._open[1] != current:
                self._open = self.open_live(current)
            return self._open[0].view()

    def opened(self) -> tuple[LiveSnapshot, Current] | None:
        """Return what answers, and of which generations it is; None where these are not open (any more)."""
        opened = self._open
        return None if opened is None or opened[1] != self.current() else opened

    def open_live(self, current: Current) -> tuple[LiveSnapshot, Current]:
        """Open generations, with what was learnt beyond them in this process, and return them."""

        def again() -> Snapshot | None:
            opened = self.open_snapshot(current)
            return opened if self.current() == current else None

        live = LiveSnapshot(self.open_snapshot(current), again)
        if self.expects_events:
            live.prepare()
        if self.on_open is not None:
            self.on_open(live, current)
        return live, current

    def current(self) -> Current:
        """Return the current generations; raises NotFoundError where nothing was indexed."""
        current = self.generations.current() if self.home.is_dir() else None
        if current is None:
            raise NotFoundError(f"no workspace at {self.home}", hint=f"ltrr index CATALOG --home {self.home}")
        return current

    def catalog_digest(self) -> str:
        """Return a SHA-256 of the indexed entities, the same in whatever form they were given; raises DamagedError."""
        current = self.current()
        manifest = read(self.generations.folder("catalog", current.catalog), current.catalog_sha256)
        return digest_of(manifest, "columns")

    def rules(self) -> RuleSet:
        """Return the editors' rules as they stand in the folder now; raises DataError for a file that is wrong."""
        path = self.home / RULES
        try:
            told = path.stat()
        except FileNotFoundError:
            return RuleSet()
        stamp = (told.st_mtime_ns, told.st_size)
        if self._rules is None or self._rules[0] != stamp:
            self._rules = stamp, read_rules(path)
        return self._rules[1]

    def remotes(self) -> RemoteRetrievers:
        """Return the retrievers elsewhere, connected when they are first asked; raises DataError, UsageError."""
        with self._opening:
            if self._remotes is None:
                self._remotes = RemoteRetrievers(self.settings)
            return self._remotes

    def open_snapshot(self, current: Current, *, learned: bool = True) -> Snapshot:
        """Open generations afresh, apart from the shared one; ``learned=False`` knows of no feedback."""
        opened = self.generations.open()
        damaged = {damage.part for damage in opened.damaged}
        folder = opened.learned if learned and "fold.json" not in damaged else None
        snapshot = open_snapshot(self.settings, opened.catalog, folder, damaged, texts=self.texts(opened.catalog))
        snapshot.warnings += [f"{damage}" for damage in opened.damaged]
        snapshot.holds = opened.holds
        return snapshot

    def texts(self, catalog: Path) -> QueryCache:
        """Return what is known of texts that were asked of a sealed catalog generation, whatever was learnt since."""
        sealed, known = (catalog / MANIFEST).read_bytes(), self._texts
        if known is None or known[0] != sealed:
            known = self._texts = sealed, QueryCache()
        return known[1]

    def publishing(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the publication lock; raises LockedError naming who holds it."""
        self._make_home()
        return publication(self.home, purpose)

    def writable(self) -> bool:
        """Say whether anything can be written into the workspace; one that is not there yet may be made."""
        return not self.home.is_dir() or os.access(self.home, os.W_OK | os.X_OK)

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or str(error)
            raise LtrrError(f"--home {self.home} cannot be made: {reason}", hint="choose another folder") from None


def _folder(home: Path) -> Path:
    """Return where a workspace is or may be made; raises UsageError for what is no folder."""
    try:
        other = home.exists() and not home.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        raise UsageError(f"--home {str(home)[:80]!r}: {error}", hint="give a folder") from None
    if other:
        raise UsageError(f"--home {home} is a file, no folder", hint="give the folder of a workspace, or a new one")
    return home
