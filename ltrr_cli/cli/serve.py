"""``ltrr serve``: the workspace over HTTP, with a search page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ltrr_cli.cli import index
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.core.errors import UsageError

MOST_WORKERS = 64


def serve(
    ctx: CommandContext,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", help="On which port; 0: any.")] = 8080,
    workers: Annotated[int, typer.Option("--workers", metavar="N", help="Processes that answer.")] = 1,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="Who may do what: lines of SCOPES TOKEN.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", metavar="URL", help="A site whose pages may call it (repeatable)."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve the sample catalog.")] = False,
) -> None:
    """Answer queries over HTTP and learn from feedback as it comes: /v1/query, /v1/feedback, a search page at /.

    /openapi.json describes the interface. Addresses that other machines reach need --token-file. -v logs requests.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"--workers is {workers}", hint=f"a number between 1 and {MOST_WORKERS}")
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port is {port}", hint="a number between 0 and 65535")
    try:
        from ltrr_cli.serving.supervisor import ServeOptions
        from ltrr_cli.serving.supervisor import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ltrr_cli"):
            raise
        raise UsageError(f"{error.name} is not installed", hint="pip install 'ltrr-cli[serve]'") from None
    with _home(ctx, demo=demo) as home:
        options = ServeOptions(home, host, port, workers, token_file, tuple(origin or ()), ctx.verbose)
        run(options, ctx.say)


@contextmanager
def _home(ctx: CommandContext, *, demo: bool) -> Iterator[Path]:
    """Give the workspace; for the demo the folder of --home, or one that goes away, with the sample indexed."""
    if not demo:
        workspace = ctx.workspace()
        workspace.state.current()  # says what to do where nothing is indexed
        yield workspace.home
        return
    if ctx.home is not None:
        _sample(ctx, ctx.home)
        yield ctx.home
        return
    with tempfile.TemporaryDirectory(prefix="ltrr-demo-") as folder:
        _sample(ctx, Path(folder) / "home")
        yield Path(folder) / "home"


def _sample(ctx: CommandContext, home: Path) -> None:
    """Index the sample catalog where nothing is indexed yet."""
    if (home / "CURRENT.json").exists():
        return
    import ltrr_cli
    from ltrr_cli.catalog.sample import sample_path

    with ctx.progress() as progress:
        told = index.summary(ltrr_cli.open(home).index([sample_path("catalog.jsonl.gz")], progress=progress))
    ctx.say(told)
