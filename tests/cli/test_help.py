"""The documentation at the terminal, and completion in shells."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ltrr_cli.cli.help import TOPICS, listed, text_of
from ltrr_cli.core.errors import UsageError


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_text(topic: str) -> None:
    assert len(text_of(topic)) > 100
    assert topic in listed()


def test_a_section_ends_where_the_next_begins() -> None:
    text = text_of("rules")
    assert text.startswith("## 8. Editors' rules")
    assert "\n## " not in text


def test_exit_codes_are_those_of_the_failures() -> None:
    assert "6    another process is publishing" in text_of("exit-codes").splitlines()


def test_an_unknown_topic_is_a_usage_error_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        text_of("index")
    assert "ltrr index -h" in (caught.value.hint or "")


def typed(*words: str, **environment: str) -> str:
    command = [sys.executable, "-m", "ltrr_cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=True).stdout


def test_help_is_a_document_where_asked_for() -> None:
    assert json.loads(typed("help", "remote", "--json"))["text"].startswith("## 7.")


def test_a_shell_is_told_what_may_come_next() -> None:
    completes = {"_LTRR_COMPLETE": "complete_bash", "COMP_WORDS": "ltrr in", "COMP_CWORD": "1"}
    assert typed(**completes).split() == ["init", "index", "ingest-feedback"]
