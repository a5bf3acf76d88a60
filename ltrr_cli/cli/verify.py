"""``ltrr verify``: is everything on disk what it was when it was published?"""

from __future__ import annotations

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, table
from ltrr_cli.core.errors import DamagedError


def verify(ctx: CommandContext) -> None:
    """Hash every file of the current generations and check the journal; exit 5 if something is damaged."""
    report = ctx.workspace().verify()
    rows = [(damage.path, damage.reason, damage.mend) for damage in report.damaged]
    if report.ok:
        ctx.answer(report, lambda screen: screen.print(f"ok: {counted(report.files, 'file')} as sealed"))
        return
    ctx.answer(report, lambda screen: screen.print(table(("damaged", "why", "mend with"), rows)))
    raise typer.Exit(DamagedError.exit_code)
