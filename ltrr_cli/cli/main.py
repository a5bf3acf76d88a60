"""The console entry ``ltrr``: finds the command, and catches failures in this one place."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

import typer

from ltrr_cli import __version__
from ltrr_cli.cli import (
    compare,
    demo,
    encoder,
    evaluate,
    explain,
    export,
    help,
    index,
    ingest_feedback,
    init,
    maintenance,
    memory,
    models,
    ope,
    plugins,
    query,
    replay,
    report,
    rules,
    serve,
    simulate,
    status,
    train_ranker,
    validate,
    verify,
)
from ltrr_cli.cli.context import documents_written, print_error, with_context, write_json
from ltrr_cli.core.errors import LtrrError, NoSpaceError
from ltrr_cli.storage.heap import collect_rarely

INTERRUPTED = 130  # 128 + SIGINT, as shells count
PIPE_CLOSED = 141  # 128 + SIGPIPE
COMPLETES = "_LTRR_COMPLETE"  # set by the script of --install-completion
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)

# what the parser raises for a command that was typed wrongly; Typer names only its subclass
_TYPED_WRONGLY: type[Exception] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="ltrr",
    rich_markup_mode=None,  # plain help: importing rich would cost more than everything else that --help does
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
_COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("demo", demo.demo, "See the whole loop on a sample catalog."),
    ("init", init.init, "Look at your files and write the settings they need."),
    ("index", index.index, "Index a catalog."),
    ("query", query.query, "Answer a query, or a file of them."),
    ("ingest-feedback", ingest_feedback.ingest_feedback, "Read feedback logs and learn from them."),
    ("validate", validate.validate, "Check feedback logs before they are ingested."),
    ("train-ranker", train_ranker.train_ranker, "Train a ranker; it serves only if it is better."),
    ("serve", serve.serve, "Answer over HTTP, with a search page."),
    ("status", status.status, "Show what is indexed, learnt and serving."),
    ("explain", explain.explain, "Show how a page came about."),
    ("evaluate", evaluate.evaluate, "Score results against relevance judgments."),
    ("ope", ope.ope, "Off-policy evaluation from logged odds."),
    ("compare", compare.compare, "Interleave two systems on one page."),
    ("replay", replay.replay, "Answer, score and learn from a search log."),
    ("simulate", simulate.simulate, "Compare policies over simulated users."),
    ("report", report.report, "Report what was learnt, as one HTML file."),
    ("export", export.export, "Write training data for other tools."),
    ("verify", verify.verify, "Check every file on disk."),
    ("rebuild", maintenance.rebuild, "Relearn everything from the journal."),
    ("rollback", maintenance.rollback, "Make an older generation serve again."),
    ("forget", maintenance.forget, "Delete feedback and what was learnt from it."),
    ("gc", maintenance.gc, "Remove old generations that nobody reads."),
    ("plugins", plugins.plugins, "List installed strategies, policies and other parts."),
    ("help", help.help_, "Read the documentation, by topic."),
    ("doctor", maintenance.doctor, "Check that everything works here."),
)
for _name, _command, _short in _COMMANDS:
    app.command(_name, short_help=_short)(with_context(_command))
_GROUPS: tuple[tuple[str, Sequence[tuple[str, Callable[..., None], str]], str], ...] = (
    ("memory", memory.COMMANDS, "Show what worked for a query."),
    ("models", models.COMMANDS, "List, show, promote and roll back rankers."),
    ("rules", rules.COMMANDS, "Check, list and try editors' rules."),
    ("encoder", encoder.COMMANDS, "List, fetch and import encoders."),
)


def _help_alone(context: typer.Context) -> None:
    """Print the help of a group that is typed alone, as plain ``ltrr`` prints its own."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for _name, _commands, _short in _GROUPS:
    _group = typer.Typer(rich_markup_mode=None, add_completion=False, invoke_without_command=True)
    _group.callback()(_help_alone)
    for _inner, _command, _help in _commands:
        _group.command(_inner, short_help=_help)(with_context(_command))
    app.add_typer(_group, name=_name, short_help=_short, help=_short)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Learn to retrieve and rank: index a catalog, answer queries, ingest feedback, answer better.

    Start with `ltrr demo`. Every command takes -h, --home, --json, -q, -v and --no-color.
    """
    if version:
        typer.echo(f"ltrr {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line and leave with its exit code."""
    collect_rarely()
    if COMPLETES in os.environ:  # a shell asks what may come next
        app(prog_name="ltrr")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0, the code of the failure's class, or 1 for a bug."""
    as_json = "--json" in arguments[: arguments.index("--") if "--" in arguments else None]
    answered = documents_written()
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        # not app(...): Typer's own main would turn a closed pipe and Control-C into exits before we see them
        command = typer.main.get_command(app)
        with command.make_context("ltrr", list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as done:
        return done.exit_code
    except BrokenPipeError:
        # nobody reads any more; without this Python complains once more when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except (KeyboardInterrupt, typer.Abort):
        failure = _Failure("interrupted", None, INTERRUPTED)
    except Exception as error:
        failure = failure_of(error)
        if failure.bug:
            traceback.print_exception(error)
    else:
        return 0
    print_error(f"ltrr: {failure.message}", *([f"hint: {failure.hint}"] if failure.hint else []))
    if as_json and documents_written() == answered:  # one document, whether it went well or not
        write_json({"error": failure.message, "hint": failure.hint, "exit_code": failure.exit_code})
    return failure.exit_code


class _Failure(NamedTuple):
    """What is said of a failure; ``bug`` where nobody foresaw it."""

    message: str
    hint: str | None
    exit_code: int
    bug: bool = False


def failure_of(error: Exception) -> _Failure:
    """Return what is said of an error: one line and a hint where it was foreseen."""
    if isinstance(error, LtrrError):
        return _Failure(str(error), error.hint, error.exit_code)
    if isinstance(error, _TYPED_WRONGLY):
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "ltrr"
        message: str = error.format_message()  # type: ignore[attr-defined]
        return _Failure(message.strip().rstrip("."), f"see `{where} -h`", 2)
    if isinstance(error, OSError) and error.errno in _FULL:
        return _Failure(f"no space left: {error}", "make room and run the command again", NoSpaceError.exit_code)
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return _Failure(str(error), "check who may write there, or choose another folder with --home", 1)
    return _Failure("this is a bug in ltrr; the lines above say where", None, 1, bug=True)
