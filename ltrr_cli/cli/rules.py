"""``ltrr rules``: editors' rules are checked, listed with what they cost or gained, and tried on a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted, safe, table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.engine.query import Page
    from ltrr_cli.workspace.rules_report import RulesReport


def check(ctx: CommandContext) -> None:
    """Read rules.toml and say which rules do nothing here; exit 3 where the file is wrong."""
    found = ctx.workspace().check_rules()
    told = f"{found.file}: {counted(found.rules, 'rule')}, {found.in_force:,} in force"
    ctx.answer(found, lambda screen: screen.print(safe(told), soft_wrap=True))
    for name, odd in found.odd:
        ctx.warn(f"{name}: {odd}")


def list_(ctx: CommandContext) -> None:
    """List the rules with what each cost or gained: reward a page with it and without it, and which are needless.

    A rule is needless where learning alone puts what it pins at least as high.
    """
    found = ctx.workspace().rules()
    ctx.answer(found, lambda screen: render_list(screen, found))


def render_list(screen: Console, found: RulesReport) -> None:
    """Draw a line a rule."""
    if not found.rules:
        screen.print(safe(f"no rules in {found.file}"), soft_wrap=True)
        return
    rows = [
        (
            one.name, one.owner, one.when, one.does, "yes" if one.in_force else "no", f"{one.pages:,}",
            f"{one.chosen:,}", _figure(one.earned), _figure(one.without),
            "-" if one.learned is None else str(one.learned or ">20"), "yes" if one.needless else "",
        )
        for one in found.rules
    ]  # fmt: skip
    heads = ("rule", "owner", "when", "does", "now", "pages", "chosen", "reward", "without", "learned", "needless")
    screen.print(table(heads, rows))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def try_(
    ctx: CommandContext,
    words: Annotated[list[str], typer.Argument(metavar="QUERY...", help="The query, as a user would type it.")],
    k: Annotated[int, typer.Option("-k", metavar="N", min=1, help="Number of results.")] = 10,
) -> None:
    """Answer a query with the rules that hold today, and say which line each of them pinned; nothing is logged."""
    found = ctx.workspace().query(" ".join(words), k=k, log=False, explore=False, live=False)
    ctx.answer(found, lambda screen: render_test(screen, found))


def render_test(screen: Console, found: Page) -> None:
    """Draw the rules that hold, and the page."""
    screen.print(safe(f"rules: {', '.join(found.rules) or 'none'}"), soft_wrap=True)
    rows = [(str(one.position), one.id, one.title, one.pinned_by) for one in found.results]
    screen.print(table(("position", "id", "title", "pinned by"), rows))


COMMANDS = (
    ("check", check, "Read rules.toml and say what is odd."),
    ("list", list_, "List the rules with what each cost or gained."),
    ("test", try_, "Answer a query with the rules that hold."),
)
