"""What every command has at hand: the shared options, the workspace, and both outputs.

Standard output is data, standard error is for messages. A command is a function of a :class:`CommandContext` and of its
own options; :func:`with_context` adds the options that all commands share.
"""

from __future__ import annotations

import functools
import inspect
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec, Protocol

import typer

from ltrr_cli.cli.render import console, safe

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ltrr_cli.cli.progress_bar import Bar
    from ltrr_cli.workspace.workspace import Workspace

DEFAULT_HOME = ".ltrr"

P = ParamSpec("P")


class JsonDocument(Protocol):
    """Anything that is one JSON document."""

    def as_json(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers."""
        ...


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The options that every command takes.

    home -- as given on the command line, or None
    """

    home: Path | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True

    def workspace(self) -> Workspace:
        """Open the workspace that ``folder`` names."""
        import ltrr_cli

        return ltrr_cli.open(self.folder())

    def folder(self) -> Path:
        """Return where the workspace is: ``--home``, else ``LTRR_HOME``, else ``.ltrr``."""
        return self.home or Path(os.environ.get("LTRR_HOME") or DEFAULT_HOME)

    def answer(self, report: JsonDocument, render: Callable[[Console], None]) -> None:
        """Write the command's one answer on standard output: a JSON document, or what ``render`` draws."""
        if self.json:
            write_json(report.as_json())
        else:
            render(console(sys.stdout, self.color))

    def tell(self, text: str) -> None:
        """Write a line of the answer on standard output before all of it is known, at once; not where it is JSON."""
        if not self.json:
            console(sys.stdout, self.color).print(safe(text), soft_wrap=True)
            sys.stdout.flush()

    def say(self, text: str) -> None:
        """Talk on standard error, unless asked to be quiet."""
        if not self.quiet:
            console(sys.stderr, self.color).print(safe(text), style="dim", soft_wrap=True)

    def show(self, drawn: RenderableType) -> None:
        """Show a table on standard error, unless asked to be quiet."""
        if not self.quiet:
            console(sys.stderr, self.color).print(drawn, style="dim")

    def warn(self, text: str, *more: str) -> None:
        """Say on standard error what nobody should miss, quiet or not; ``more`` are lines below it."""
        print_error(f"ltrr: {text}", *more)

    def progress(self) -> Bar:
        """Return a progress callback that is also a context: a bar on a terminal, else silence (``-v``: lines)."""
        from ltrr_cli.cli.progress_bar import Bar

        return Bar(quiet=self.quiet, verbose=self.verbose, color=self.color)


_documents = 0


def documents_written() -> int:
    """Return how many JSON documents this process has written."""
    return _documents


def write_json(document: dict[str, Any]) -> None:
    """Write one JSON document (RFC 8259, NaN as null): indented for eyes, on one line for programs."""
    import msgspec

    global _documents
    _documents += 1
    data = msgspec.json.encode(document)
    if sys.stdout.isatty():
        data = msgspec.json.format(data, indent=2)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the terminal's is: JSON between programs is UTF-8
    # what a terminal would obey only ever stands inside JSON strings, where an escape means the same
    sys.stdout.write(safe(data.decode(), keep="\n", escape="\\u{:04x}".format) + "\n")


def print_error(*lines: str) -> None:
    """Write lines on standard error, whatever its encoding."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    for line in lines:
        sys.stderr.write(safe(line).encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _shared(
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="The workspace.  [env: LTRR_HOME; default: .ltrr]"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only failures on standard error.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say how long each step takes.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (NO_COLOR=1 does the same).")] = False,
) -> None:
    """Hold the options that every command takes."""


def with_context(command: Callable[Concatenate[CommandContext, P], None]) -> Callable[..., None]:
    """Give a command the shared options; it receives them as one ``CommandContext``, its first argument."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    shared = list(inspect.signature(_shared, eval_str=True).parameters.values())
    called: Callable[..., None] = command  # by name, as Typer calls it

    @functools.wraps(command)
    def run(**given: Any) -> None:
        start = perf_counter()
        home, json, quiet, verbose, no_color = (given.pop(option.name) for option in shared)
        ctx = CommandContext(home, json, quiet, verbose, not no_color)
        called(ctx, **given)
        if verbose:
            ctx.say(f"took {perf_counter() - start:.2f} s")

    # keyword-only, so that options with and without defaults may stand in any order
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared)]
    run.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
