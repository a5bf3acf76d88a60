"""A real server in processes of its own, on loopback."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def running(home: Path, *options: str, settings: str = "") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Begin ``ltrr serve`` on any free port; gives the process and the address, and ends it."""
    if settings:
        (home / "ltrr.toml").write_text(f"[serve]\n{settings}\n")
    command = [sys.executable, "-m", "ltrr_cli", "serve", "--home", str(home), "--port", "0", *options]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            if match := re.search(r"http://[\d.:]+/", line):
                yield process, match[0]
                break
        else:
            raise AssertionError(f"it ended with {process.wait()}")
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)
