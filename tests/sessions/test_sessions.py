"""Golden command lines: every ``*.txt`` beside this file is replayed and must print what it shows.

``$ ltrr ...`` runs in this process, any other ``$ ...`` in bash, both in a fresh folder that holds ``sample_data`` and,
where a session's first line says so, a workspace with the sample catalog. ``...`` stands for what varies (times, ids),
``[exit 2]`` follows what fails. Standard output and standard error come as on a terminal, one after the other.
"""

from __future__ import annotations

import contextlib
import difflib
import doctest
import io
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ltrr_cli.cli.main import run
from tests.cli.test_main import COMMANDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SESSIONS = sorted(HERE.glob("*.txt"))
INDEXED = "# with the sample catalog indexed"


def parts(text: str) -> list[tuple[str, str]]:
    """Cut a session into (command, what it prints)."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = re.split(r"^\$ (.*)$", "\n".join(lines), flags=re.MULTILINE)[1:]
    return [(command, output.strip("\n")) for command, output in zip(found[::2], found[1::2], strict=True)]


def printed(command: str, folder: Path) -> str:
    """Run one command and return what a terminal would show, without spaces at line ends."""
    screen = io.StringIO()
    if command.split()[0] == "ltrr":
        with contextlib.chdir(folder), contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            code = run(shlex.split(command)[1:])
        text = screen.getvalue()
    else:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
        code, text = done.returncode, done.stdout + done.stderr
    text += f"\n[exit {code}]" if code else ""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()).strip("\n")


def squeezed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


@pytest.mark.parametrize("session", SESSIONS, ids=lambda path: path.stem)
def test_prints_what_it_shows(
    session: Path, sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("LTRR_HOME", "LTRR_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    text = session.read_text("utf-8")
    (tmp_path / "sample_data").symlink_to(ROOT / "sample_data")
    if text.startswith(INDEXED):
        shutil.copytree(sample_home, tmp_path / ".ltrr")
    for command, expected in parts(text):
        got, wanted = printed(command, tmp_path), squeezed(expected)
        if not doctest.OutputChecker().check_output(wanted + "\n", got + "\n", doctest.ELLIPSIS):
            pytest.fail("\n".join([f"$ {command}", *difflib.ndiff(wanted.splitlines(), got.splitlines())]), pytrace=False)


def test_every_command_has_a_session():
    typed = {
        command.split()[1] for path in SESSIONS for command, _ in parts(path.read_text("utf-8")) if command[:5] == "ltrr "
    }
    assert set(COMMANDS) <= typed


def test_the_readme_shows_a_session_as_it_is():
    blocks = re.findall(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    session = (HERE / "readme.txt").read_text("utf-8")
    without_comments = "".join(line for line in session.splitlines(keepends=True) if not line.startswith("#"))
    assert [block.strip() for block in blocks] == [without_comments.strip()]
