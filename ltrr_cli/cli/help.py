"""``ltrr help``: sections of the documentation, at the terminal and without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.core import errors
from ltrr_cli.core.errors import NotFoundError, UsageError

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "docs", _PACKAGE.parent / "docs")  # inside an installed package, or beside it in a checkout

# topic -> (document, beginning of a heading; "": all of it, what it is about)
TOPICS: Mapping[str, tuple[str, str, str]] = {
    "start": ("GUIDE", "0.", "let your files be looked at"),
    "catalog": ("GUIDE", "1.", "what a catalog looks like"),
    "feedback": ("GUIDE", "2.", "what a log looks like, daily counts among them"),
    "ranker": ("GUIDE", "3.", "train a ranker"),
    "encoders": ("GUIDE", "4.", "choose an encoder"),
    "query": ("GUIDE", "5.", "show results, and send back what people do"),
    "explain": ("GUIDE", "6.", "read why a page came about"),
    "remote": ("GUIDE", "7.", "your own retrievers beside ltrr's"),
    "rules": ("GUIDE", "8.", "editors' rules"),
    "evaluate": ("GUIDE", "9.", "is it any good?"),
    "operate": ("GUIDE", "10.", "keep a workspace well"),
    "serve": ("OPERATIONS", "", "the HTTP server"),
    "settings": ("SETTINGS", "", "every setting of ltrr.toml"),
    "model": ("MODEL", "", "the mathematics"),
    "glossary": ("GLOSSARY", "Concepts", "terms of our own"),
    "exit-codes": ("", "", "what a command's exit code says"),
}


def help_(
    ctx: CommandContext,
    topic: Annotated[str, typer.Argument(metavar="[TOPIC]", help="A topic; none: the list of them.")] = "",
) -> None:
    """Read the documentation: `ltrr help feedback`. Options of a command: `ltrr COMMAND -h`."""
    from ltrr_cli.cli.help_text import HelpText

    found = HelpText(topic, text_of(topic) if topic else listed())
    ctx.answer(found, lambda screen: screen.print(found.text, markup=False, highlight=False, soft_wrap=True))


def listed() -> str:
    """Return a line per topic."""
    return "\n".join(f"{topic:<12} {about}" for topic, (_, _, about) in TOPICS.items())


def text_of(topic: str) -> str:
    """Return what the documentation says; raises UsageError for a topic that is not there."""
    if topic not in TOPICS:
        raise UsageError(f"no topic {topic[:40]!r}", hint=f"one of {', '.join(TOPICS)}; or ltrr {topic[:40]} -h")
    document, heading, _ = TOPICS[topic]
    return section(_document(document), heading) if document else exit_codes()


def section(text: str, heading: str) -> str:
    r"""Return a part of a Markdown text, from a heading to the next of its level; "": all of it.

    >>> section("# A\n## 1. one\nx\n## 2. two\ny\n", "2.")
    '## 2. two\ny'
    """
    if not heading:
        return text.strip()
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    return next(part.strip() for part in parts if part.startswith(f"## {heading}"))


def exit_codes() -> str:
    """Return the table that stands at the top of the failures' module."""
    found = re.findall(r"^\W*\w+Error +(\d) +(.+)$", errors.__doc__ or "", flags=re.MULTILINE)
    return "\n".join(f"{code:<5}{what}" for code, what in (("0", "done"), *found, ("130", "interrupted")))


def _document(name: str) -> str:
    for folder in _FOLDERS:
        if (folder / f"{name}.md").is_file():
            return (folder / f"{name}.md").read_text("utf-8")
    raise NotFoundError(f"{name}.md is not installed", hint="pip install --force-reinstall ltrr-cli")
