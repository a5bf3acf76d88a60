"""``ltrr plugins``: which strategies, policies, rankers, log formats, catalog readers and encoders are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.workspace.plugins import PluginList


def plugins(ctx: CommandContext) -> None:
    """List the installed parts, and the packages they come from.

    Another package adds one by an entry point; the groups are listed below the table.
    """
    from ltrr_cli.workspace.plugins import installed

    found = installed()
    ctx.answer(found, lambda screen: render(screen, found))


def render(screen: Console, found: PluginList) -> None:
    """Draw a line per part, and the entry-point groups."""
    screen.print(table(("kind", "name", "package"), [(each.kind, each.name, each.package) for each in found.plugins]))
    groups = ", ".join(f"{group} ({kind})" for kind, group in found.groups.items())
    screen.print(f"\nentry-point groups: {groups}", soft_wrap=True)
