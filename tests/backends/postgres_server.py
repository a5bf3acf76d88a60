"""PostgreSQL with pgvector, started by tests from what is installed: the package ``pgserver``, else the system's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest


def binaries() -> Path:
    """Return the folder of the server's programs; skips the test where there is none with pgvector."""
    pytest.importorskip("psycopg", reason="psycopg (the extra `postgres`) is not installed")
    found = find_spec("pgserver")
    places = [] if found is None or found.origin is None else [Path(found.origin).parent / "pginstall"]
    places += sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)
    for place in places:
        shared = [place / "share" / "postgresql", Path("/usr/share/postgresql") / place.name]
        if any((folder / "extension" / "vector.control").exists() for folder in shared):
            return place / "bin"
    pytest.skip("no PostgreSQL with pgvector (pip install pgserver, or Debian's postgresql-15-pgvector)")


class PostgresServer:
    """One server on the loopback address with a folder of its own."""

    def __init__(self) -> None:
        self._bin = binaries()
        self.folder = Path(tempfile.mkdtemp(prefix="ltrr-pg-"))
        self._user: str | None = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            shutil.chown(self.folder, self._user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"host=127.0.0.1 port={self.port} user=tester dbname=postgres"
        self._run("initdb", "-D", "data", "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def remove(self) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *words], cwd=self.folder, user=self._user, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
