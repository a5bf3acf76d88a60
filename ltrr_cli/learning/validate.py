"""Named checks over feedback logs, before anything of them is taken in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from ltrr_cli.catalog.columns import Columns
from ltrr_cli.core.clock import now_ms
from ltrr_cli.core.errors import UsageError
from ltrr_cli.core.report import Report
from ltrr_cli.feedback.format_registry import LOOKED_AT, format_of, reader
from ltrr_cli.feedback.log_checks import validate
from ltrr_cli.feedback.log_source import read_log

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State


@dataclass(frozen=True, slots=True)
class LogFinding:
    """What one check found in one log.

    severity -- "error", "warning" or "note"
    count    -- how often; ``examples`` are at most five, with the line of the first
    """

    source: str
    check: str
    severity: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValidateReport(Report):
    """What all checks found; ``ok`` where nothing is an error.

    with_catalog -- whether entities were looked up in an indexed catalog
    """

    ok: bool
    findings: tuple[LogFinding, ...]
    with_catalog: bool


def check_logs(
    state: State,
    sources: Sequence[str | Path],
    format: str,  # noqa: A002 -- the word users know from the command line
    undated: bool,
    mapping: Mapping[str, str] | None = None,
) -> ValidateReport:
    """Run all checks over each log, beside the indexed catalog where there is one; see ``Workspace.validate``."""
    if not sources:
        raise UsageError("no log to check", hint="ltrr validate LOG...")
    current = state.generations.current_or_none() if state.home.is_dir() else None
    known = None
    if current is not None:
        folder = state.generations.folder("catalog", current.catalog)
        known = frozenset(Columns.open(folder / "columns").ids)
    found: list[LogFinding] = []
    for source in sources:
        lines = read_log(source, {**state.settings.feedback.map, **(mapping or {})})
        first = list(islice(lines, LOOKED_AT))
        read = reader(format_of(first, format, str(source)), undated)
        findings = validate(
            chain(first, lines), read, state.settings.feedback, now_ms=now_ms(), known=known
        )  # fmt: skip
        found += (LogFinding(str(source), one.check, one.severity, one.count, one.examples) for one in findings)
    return ValidateReport(
        ok=not any(one.severity == "error" for one in found),
        findings=tuple(found),
        with_catalog=known is not None,
    )
