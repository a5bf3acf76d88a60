"""``ltrr index``: catalog files in, a published catalog generation out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli import options
from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import counted
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from ltrr_cli.indexing.index import IndexReport


def index(
    ctx: CommandContext,
    catalog: Annotated[
        list[str] | None,
        typer.Argument(metavar="CATALOG...", help="JSONL (.gz, .zst), CSV, SQLite, Parquet; - is input."),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Keep the indexed entities; replace those that come again.")
    ] = False,
    delete: Annotated[
        Path | None, typer.Option("--delete", metavar="FILE", help="Ids to remove, one a line (with --update).")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Key names in the files: title=name (repeatable)."),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option("--encoder", metavar="NAME", help='"catalog" (learnt from the catalog) or one in the cache.'),
    ] = None,
    refit: Annotated[bool, typer.Option("--refit", help="With --update: train the catalog encoder again.")] = False,
    predicted: Annotated[
        Path | None,
        typer.Option("--predicted", metavar="FILE", help='Expected queries: {"id", "query", "score"} a line.'),
    ] = None,
    ids_only: Annotated[
        bool, typer.Option("--ids-only", help="Words are searched elsewhere: keep ids and fields, build no text index.")
    ] = False,
    max_bad: Annotated[
        str | None, typer.Option("--max-bad", metavar="SHARE", help="Bad lines allowed, for example 0.1%.")
    ] = None,
    engine: options.Engine = None,
) -> None:
    """Index a catalog: one {"id", "title", "text"?, "type"?, "attributes"?, ...} a line, or a table with such columns.

    A database is named as sqlite:FILE?table=NAME, a CSV file without its ending as csv:FILE.
    Bad lines are set aside with their reasons; with too many of them nothing is published.
    """
    sources = list(catalog or ())
    if not sources and not (update and delete):
        raise UsageError("no catalog given", hint="ltrr index CATALOG.jsonl, or --update --delete FILE to only remove")
    for flag, wanted in (("--delete", delete is not None), ("--refit", refit)):
        if wanted and not update:
            raise UsageError(f"{flag} needs --update: without it everything is indexed anew anyway")
    names = options.pairs(mapping or (), "--map", "title=name")
    most = options.share(max_bad, "--max-bad")
    with ctx.progress() as progress:
        report = ctx.workspace().index(
            sources,
            update=update,
            delete=delete,
            mapping=names,
            encoder=encoder,
            refit=refit,
            max_bad=most,
            predicted=predicted,
            ids_only=ids_only,
            engine=engine,
            progress=progress,
        )
    ctx.answer(report, lambda screen: screen.print(summary(report), soft_wrap=True))
    if report.whole is not None:
        ctx.say(f"the update was built as a whole: {report.whole}")
    for remark in report.remarks:
        (ctx.warn if remark.severity == "warning" else ctx.say)(remark.sentence)
    if report.quarantined:
        ctx.warn(f"set aside in {report.quarantine_file}: {counted(report.quarantined, 'bad line')}")


def summary(report: IndexReport) -> str:
    """Say in one line what was published."""
    asides = [
        told
        for count, told in (
            (report.duplicates, counted(report.duplicates, "duplicate")),
            (report.deleted, f"{report.deleted:,} deleted"),
        )
        if count
    ]
    tail = f" ({', '.join(asides)})" if asides else ""
    seconds = report.seconds.get("total", 0.0)
    entities = counted(report.entities, "entity", "entities")
    return f"catalog generation {report.generation}: {entities}{tail} in {seconds:.1f} s"
