"""Help, README, settings and continuous integration say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from ltrr_cli.cli import ingest_feedback, train_ranker
from ltrr_cli.core.config import Settings
from ltrr_cli.feedback.format_registry import FORMATS
from ltrr_cli.ranking.fit import ALGORITHMS
from tests.cli.conftest import Typed
from tests.cli.test_main import COMMANDS, GROUPS, SHARED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `ltrr ([\w-]+)([^`]*)` \|", README, re.MULTILINE))


def test_the_readme_s_table_lists_every_command_in_the_order_of_help():
    assert tuple(ROWS) == (*COMMANDS, *GROUPS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_lists_the_options_that_a_command_has(ltrr: Typed, command: str):
    listed = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", ROWS[command]))
    long_or_short = re.findall(r"^  (--?[a-z][a-z-]*)", ltrr(command, "-h").out, re.MULTILINE)
    assert listed == set(long_or_short) - {"--quiet", "--verbose", "-q", "-v", "-h", "--home", "--json", "--no-color"}


@pytest.mark.parametrize("group", GROUPS)
def test_the_readme_lists_the_commands_of_a_group(group: str):
    assert tuple(re.findall(r"(?:\||^) ?\\?\|?([a-z]+)", ROWS[group].replace("\\|", "|").strip())) == GROUPS[group]


def test_the_readme_names_the_shared_options():
    assert all(f"`{option}" in README for option in SHARED)


DOCUMENTS = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_and_file_that_a_document_names_exists(document: str):
    text = (ROOT / document).read_text("utf-8")
    assert set(re.findall(r"`ltrr ([a-z][a-z-]+)", text)) <= {*COMMANDS, *GROUPS}
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / document).parent / target).exists(), target


def test_the_readme_opens_with_the_two_commands_and_continuous_integration_runs_them():
    opening = README.split("## ")[0]
    commands = [line.split("#")[0].strip() for line in opening.split("```")[1].strip().splitlines()]
    assert commands == ["pip install . && ltrr demo", "pip install '.[test]' && pytest"]
    script = (ROOT / ".ci" / "run").read_text("utf-8").replace(" --quiet", "")
    assert commands[1] in script
    assert "run ltrr demo" in script


def described() -> dict[str, object]:
    """Return key -> default of every line of docs/SETTINGS.md."""
    found: dict[str, object] = {}
    table = ""
    for line in (ROOT / "docs" / "SETTINGS.md").read_text("utf-8").splitlines():
        if heading := re.match(r"## `\[(\w+)\]`", line):
            table = heading[1] + "."
        if row := re.match(r"\| `(\w+)` \| `(.+?)` \|", line):
            found[table + row[1]] = tomllib.loads(f"value = {row[2]}")["value"]
    return found


def test_every_setting_stands_in_its_document_with_its_default():
    defaults: dict[str, object] = {}
    for key, value in msgspec.to_builtins(Settings()).items():
        if isinstance(value, dict):
            defaults.update({f"{key}.{name}": default for name, default in value.items()})
        else:
            defaults[key] = value
    assert described() == msgspec.json.decode(msgspec.json.encode(defaults))


def test_every_setting_is_read_by_somebody():
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "ltrr_cli").rglob("*.py") if path.name != "config.py")
    unread = [key for key in described() if not re.search(rf"settings(\.\w+)?\.{key.split('.')[-1]}\b", code)]
    assert unread == []


def test_choices_are_those_of_the_rooms_that_answer_to_them():
    assert ("auto", *FORMATS.built_in) == ingest_feedback.FORMATS
    assert ALGORITHMS == train_ranker.ALGORITHMS
