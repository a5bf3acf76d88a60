"""Opening the journal: to write, or where nothing can be written; and whether it is of a format that we read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

from ltrr_cli.core.errors import DamagedError
from ltrr_cli.storage.journal_schema import FORMAT, SCHEMA

RETRY_S = 0.01
ONCE = "open it once where it can be written to: ltrr status"


def connected(path: Path, patience_ms: int) -> sqlite3.Connection:
    """Open a database that may be written to."""
    return sqlite3.connect(path, timeout=patience_ms / 1000, isolation_level=None)


def read_only(path: Path) -> sqlite3.Connection:
    """Open a database in a folder that cannot be written to; where there is none, an empty one in memory."""
    if not path.exists():
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.executescript("BEGIN;" + SCHEMA + f"PRAGMA user_version = {FORMAT}; COMMIT;")
        return database
    # without the log beside it, which a last writer leaves behind, SQLite wants to write one unless nothing can change
    fixed = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro{fixed}", uri=True, isolation_level=None)


def outdated(database: sqlite3.Connection, path: Path, *, writable: bool) -> bool:
    """Say whether tables are missing or of an older format; raises DamagedError where nothing can be done about it."""
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found > FORMAT:
        raise DamagedError(f"{path}: format {found} is newer than this version of ltrr reads ({FORMAT})")
    if found < FORMAT and not writable:
        raise DamagedError(f"{path}: format {found} is older than {FORMAT}, and the folder is read-only", hint=ONCE)
    return bool(found < FORMAT)


def patiently(database: sqlite3.Connection, statement: str, patience_ms: int) -> None:
    """Execute what SQLite refuses at once, without its own patience, while another process does the same."""
    until = monotonic() + patience_ms / 1000
    while True:
        try:
            database.execute(statement)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > until:
                raise
            sleep(RETRY_S)
        else:
            return


def faults_of(database: sqlite3.Connection) -> list[str]:
    """Return what SQLite finds wrong (nothing, normally)."""
    try:
        found = [row[0] for row in database.execute("PRAGMA quick_check(5)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found
