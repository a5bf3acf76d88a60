"""Named checks over catalog files, before anything of them is indexed: what `ltrr index` would say, and do.

``mapping``     error    a name that --map gives is in no line, or no field of ours
``titles``      error    no entity has a title
``empty``       error    no line is an entity
``lines``       error    lines that are no entities; a warning where they are few enough to be set aside
``duplicates``  note     lines whose id came before: the last one counts
The others are those of ``catalog.remarks``: values that were taken as meant, and values that were left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ltrr_cli.catalog.intake import Intake
from ltrr_cli.core.errors import UsageError
from ltrr_cli.engine.state import State
from ltrr_cli.learning.validate import LogFinding, ValidateReport

EXAMPLES = 5


def check_catalogs(state: State, sources: Sequence[str | Path], mapping: Mapping[str, str] | None) -> ValidateReport:
    """Read catalogs as `ltrr index` would and say what it would make of them; see ``Workspace.validate_catalog``."""
    if not sources:
        raise UsageError("no catalog to check", hint="ltrr validate --catalog FILE...")
    settings, name = state.settings.catalog, ", ".join(map(str, sources))
    intake = Intake(columns=settings.columns)
    intake.read(sources, {**settings.map, **(mapping or {})})
    found: list[LogFinding] = []

    def tell(check: str, severity: str, count: int, *examples: str) -> None:
        found.append(LogFinding(name, check, severity, count, examples))

    for fault in intake.faults():
        hint = f" ({fault.hint})" if fault.hint else ""
        tell("titles" if "title on" in str(fault) else "mapping", "error", intake.lines, f"{fault}{hint}")
    if intake.refused:
        severity = "error" if len(intake.refused) > settings.max_bad * intake.lines else "warning"
        reasons = dict.fromkeys(f"line {one.number}: {one.reason}" for one in intake.refused)
        tell("lines", severity, len(intake.refused), *list(reasons)[:EXAMPLES])
    if not intake.entities:
        tell("empty", "error", intake.lines, "no line is an entity")
    intake.settle(settings.html)
    for remark in intake.remarks:
        tell(remark.check, remark.severity, remark.count, remark.sentence)
    if intake.duplicates:
        tell("duplicates", "note", intake.duplicates, "lines whose id came before: the last one counts")
    return ValidateReport(not any(one.severity == "error" for one in found), tuple(found), with_catalog=False)
