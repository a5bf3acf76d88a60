"""Every session prints what it shows, and README shows a session."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from tests.cli.test_main import COMMANDS
from tests.sessions.replay import BLOCK, HERE, README, SESSIONS, alike, parts, printed, stage, without_comments


def marked(path: Path) -> object:
    slow = [pytest.mark.slow] if "# slow\n" in path.read_text("utf-8") else []
    return pytest.param(path, id=path.stem, marks=slow)


@pytest.mark.turns(6)
@pytest.mark.parametrize("session", [marked(path) for path in SESSIONS])
def test_prints_what_it_shows(session: Path, sample_home: Path, tmp_path: Path):
    text = session.read_text("utf-8")
    with stage(text, sample_home, tmp_path):
        for command, wanted in parts(text):
            got = printed(command, tmp_path)
            if not alike(wanted, got):
                difference = difflib.ndiff(wanted.splitlines(), got.splitlines())
                pytest.fail("\n".join([f"$ {command}", *difference]), pytrace=False)


def test_every_command_has_a_session():
    typed = [command.split() for path in SESSIONS for command, _ in parts(path.read_text("utf-8"))]
    assert set(COMMANDS) <= {words[1] for words in typed if words[0] == "ltrr"}


def test_the_readme_shows_a_session_as_it_is():
    session = without_comments((HERE / "readme.txt").read_text("utf-8"))
    assert [block.strip() for block in BLOCK.findall(README.read_text("utf-8"))] == [session.strip()]
