"""``ltrr init``: a catalog and a log are looked at, and the settings that they need are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import safe

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.indexing.init import InitReport


def init(
    ctx: CommandContext,
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE...", help="More files to look at.")] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--from", metavar="FILE", help="A catalog or a log (repeatable).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the ltrr.toml there is.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say it all, but write nothing.")] = False,
) -> None:
    """Look at your catalog and log, say what is what and what is odd, and write a commented ltrr.toml.

    JSON lines, CSV, SQLite (sqlite:FILE?table=NAME), Parquet: columns are told by their names and values.
    """
    found = ctx.workspace().init(
        [*(sources or ()), *(files or ())], force=force, dry_run=dry_run, named=ctx.home is not None
    )
    ctx.answer(found, lambda screen: render(screen, found))
    for source in found.sources:
        for odd in source.odd:
            ctx.warn(f"{source.source}: {odd}")
    for odd in found.odd:
        ctx.warn(odd)


def render(screen: Console, found: InitReport) -> None:
    """Draw what was recognised, where the settings are, and the next commands."""
    for source in found.sources:
        screen.print(safe(f"{source.source}: a {source.role} ({source.form})"), soft_wrap=True)
        for line in source.recognised:
            screen.print(safe(f"  {line}"), soft_wrap=True)
    if found.written is None:
        screen.print(safe(f"\n{found.settings}", keep="\n"), soft_wrap=True, highlight=False)
    else:
        screen.print(f"\nwritten: {safe(found.written)}", soft_wrap=True)
    screen.print("\nnext:")
    for command in found.commands:
        screen.print(safe(f"  {command}"), soft_wrap=True)
