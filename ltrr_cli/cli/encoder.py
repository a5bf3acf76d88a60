"""``ltrr encoder``: what turns texts into vectors; ``ltrr index --encoder NAME`` chooses one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ltrr_cli.cli.desk import Desk
from ltrr_cli.cli.paint import table

if TYPE_CHECKING:
    from rich.console import Console

    from ltrr_cli.engine.upkeep_reports import EncoderFacts


def listing(desk: Desk) -> None:
    """List the encoders at hand."""
    from ltrr_cli.engine.encoders import Encoders

    found = Encoders.of_user().listing()

    def paint(screen: Console) -> None:
        rows = [(each.name, each.dimension or "-", each.says) for each in found.encoders]
        screen.print(table(("encoder", "numbers", "about"), rows, numbers=("numbers",)))

    desk.answer(found, paint)


def pull(
    desk: Desk,
    name: Annotated[str, typer.Argument(metavar="NAME", help="minilm (23 MB) or minilm-fp32 (90 MB).")],
) -> None:
    """Fetch an encoder: checked by its pinned SHA-256, then converted; the only command that uses the network."""
    from ltrr_cli.engine.encoders import Encoders

    desk.say(f"fetching {name} ...")
    _told(desk, Encoders.of_user().pull(name))


def take(
    desk: Desk,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Has model.onnx, tokenizer.json and 1_Pooling/config.json.")
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="[default: the folder's name]")] = None,
    sparse: Annotated[
        bool, typer.Option("--sparse", help="It gives weighted terms (SPLADE); catalog.sparse uses it.")
    ] = False,
) -> None:
    """Take in a sentence-transformers or SPLADE-style ONNX folder; it is tried out before it is kept."""
    from ltrr_cli.engine.encoders import Encoders

    _told(desk, Encoders.of_user().take(folder, name, sparse=sparse))


def _told(desk: Desk, facts: EncoderFacts) -> None:
    if facts.kind == "sparse":
        told = f'{facts.name}: {facts.dimension} terms, {facts.says}; use it with catalog.sparse = "{facts.name}"'
        desk.answer(facts, lambda screen: screen.print(told, soft_wrap=True))
        return
    line = f"{facts.name}: {facts.dimension} numbers a text, {facts.says}; use it with --encoder {facts.name}"
    desk.answer(facts, lambda screen: screen.print(line, soft_wrap=True))


COMMANDS = (
    ("list", listing, "List the encoders at hand."),
    ("pull", pull, "Fetch and verify an encoder."),
    ("import", take, "Take in an ONNX encoder from a folder."),
)
