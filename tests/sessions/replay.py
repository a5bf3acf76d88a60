"""Golden command lines: what a session file means, how it is replayed, and how it is written anew.

A session is what somebody would see on a terminal: ``$ ltrr ...`` (run in this process) or any other ``$ ...`` (run in
bash), each followed by what it prints. ``...`` stands for what varies (times, ids), ``[exit 2]`` follows what fails.
Lines that begin with ``#`` are comments, of which three mean something:

``# with the sample catalog indexed``  start from a copy of that workspace instead of an empty folder
``# set NAME=VALUE``                   of the environment
``# slow``                             run with -m slow

After a change of what commands print, ``python -m tests.sessions.replay`` writes all sessions and README's transcript
anew; read the difference before you commit it.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import ltrr_cli
from ltrr_cli.catalog.sample import sample_path
from ltrr_cli.cli import progress_bar
from ltrr_cli.cli.main import run

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
README = ROOT / "README.md"
SESSIONS = sorted(HERE.glob("*.txt"))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

_VARIES = (
    (re.compile(r"\b\d+\.\d+ (s|ms)\b"), r"... \1"),
    (re.compile(r"\b[0-9a-f]{32}([0-9a-f]{32})?\b"), "..."),
    # last digits are another processor's or another library's
    (re.compile(r"\b(\d\.\d)\d\d+\b"), r"\1..."),
    (re.compile(r"\b(dense) \d+"), r"\1 ..."),
)


def parts(text: str) -> list[tuple[str, str]]:
    """Cut a session into (command, what it prints)."""
    found = re.split(r"^\$ (.*)$", without_comments(text), flags=re.MULTILINE)[1:]
    return [(command, output.strip("\n")) for command, output in zip(found[::2], found[1::2], strict=True)]


def without_comments(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("#")]


@contextlib.contextmanager
def stage(text: str, indexed: Path, folder: Path):
    """Prepare the folder and the environment that a session asks for."""
    kept, first_s = dict(os.environ), progress_bar.FIRST_S
    progress_bar.FIRST_S = float("inf")  # how slow a machine is belongs to no transcript
    for name in [name for name in os.environ if name.startswith("LTRR_")]:
        del os.environ[name]
    os.environ.update(line.removeprefix("# set ").split("=", 1) for line in comments(text) if line.startswith("# set "))
    (folder / "sample_data").symlink_to(ROOT / "sample_data")
    if "# with the sample catalog indexed" in comments(text):
        shutil.copytree(indexed, folder / ".ltrr")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
        progress_bar.FIRST_S = first_s


def printed(command: str, folder: Path) -> str:
    """Run one command and return what a terminal would show, both streams one after the other."""
    if command.split()[0] == "ltrr":
        screen = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
            code = run(shlex.split(command)[1:])
        text = screen.getvalue()
    else:
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
        code, text = done.returncode, done.stdout + done.stderr
    text = "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
    return f"{text}\n[exit {code}]".lstrip("\n") if code else text


def alike(wanted: str, got: str) -> bool:
    """Compare what is shown with what was printed; empty lines and spaces at line ends do not count."""
    squeezed = ["\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n" for text in (wanted, got)]
    return doctest.OutputChecker().check_output(*squeezed, doctest.ELLIPSIS)


def _anew(wanted: str, got: str) -> str:
    """Write what was printed, with the placeholders that there were and those of times and ids."""
    lines = []
    for line in got.splitlines():
        shown = next((old for old in wanted.splitlines() if line and old.strip("\n.") and alike(old, line)), line)
        for pattern, placeholder in _VARIES:
            shown = pattern.sub(placeholder, shown)
        lines.append(shown)
    return "\n".join(lines)


def _rewrite() -> None:
    with tempfile.TemporaryDirectory() as place:
        indexed = Path(place, "indexed")
        ltrr_cli.open(indexed).index([sample_path("catalog.jsonl.gz")])
        for path in SESSIONS:
            text = path.read_text("utf-8")
            folder = Path(place, path.stem)
            folder.mkdir()
            with stage(text, indexed, folder):
                told = [(command, _anew(wanted, printed(command, folder))) for command, wanted in parts(text)]
            blocks = [f"$ {command}\n{output}".rstrip("\n") for command, output in told]
            path.write_text("\n".join([*comments(text), *blocks]) + "\n", "utf-8")
    session = without_comments((HERE / "readme.txt").read_text("utf-8"))
    README.write_text(BLOCK.sub(lambda _: f"```console\n{session}```", README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    _rewrite()
