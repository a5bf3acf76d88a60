"""What ``ltrr help`` answers, apart from it: records load a library that help alone does not need."""

from __future__ import annotations

from dataclasses import dataclass

from ltrr_cli.core.report import Report


@dataclass(frozen=True, slots=True)
class HelpText(Report):
    """A section of the documentation, as Markdown; without a topic the list of topics."""

    topic: str
    text: str
