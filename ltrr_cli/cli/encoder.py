"""``ltrr encoder``: what turns texts into vectors; ``ltrr index --encoder NAME`` chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.context import CommandContext
from ltrr_cli.cli.render import table
from ltrr_cli.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.workspace.encoders import EncoderFacts


def listing(ctx: CommandContext) -> None:
    """List the available encoders."""
    from ltrr_cli.workspace.encoders import Encoders

    found = Encoders.of_user().listing()

    def render(screen: Console) -> None:
        rows = [(each.name, each.dimension or "-", each.says) for each in found.encoders]
        screen.print(table(("encoder", "numbers", "about"), rows, numbers=("numbers",)))

    ctx.answer(found, render)


def pull(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME", help="minilm (23 MB), minilm-fp32 (90 MB) or static (16 MB).")],
) -> None:
    """Download an encoder, check its SHA-256, convert it; the only command that uses the network."""
    from ltrr_cli.workspace.encoders import Encoders

    ctx.say(f"fetching {name} ...")
    _told(ctx, Encoders.of_user().pull(name))


def take(
    ctx: CommandContext,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Has model.onnx, tokenizer.json and 1_Pooling/config.json.")
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="[default: the folder's name]")] = None,
    cross: Annotated[bool, typer.Option("--cross", help="A cross-encoder: it reorders the first results.")] = False,
    sparse: Annotated[bool, typer.Option("--sparse", help="A sparse encoder (SPLADE), for catalog.sparse.")] = False,
) -> None:
    """Import an ONNX folder (sentence-transformers, SPLADE, a cross-encoder); it is tested before it is kept."""
    from ltrr_cli.workspace.encoders import Encoders

    if cross and sparse:
        raise UsageError("--cross or --sparse, not both")
    kind = "cross" if cross else "sparse" if sparse else "onnx"
    _told(ctx, Encoders.of_user().take(folder, name, kind))


_USES = {  # kind -> what it is for
    "cross": '{name}: {says}; use it with ranking.cross = "{name}" in ltrr.toml',
    "sparse": '{name}: {dimension} terms, {says}; use it with catalog.sparse = "{name}" in ltrr.toml',
}
_USE = "{name}: {dimension} numbers a text, {says}; use it with --encoder {name}"


def _told(ctx: CommandContext, facts: EncoderFacts) -> None:
    line = _USES.get(facts.kind, _USE).format(name=facts.name, dimension=facts.dimension, says=facts.says)
    ctx.answer(facts, lambda screen: screen.print(line, soft_wrap=True))


COMMANDS = (
    ("list", listing, "List the encoders at hand."),
    ("pull", pull, "Fetch and verify an encoder."),
    ("import", take, "Take in an ONNX encoder from a folder."),
)
