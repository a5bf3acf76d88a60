"""Every ranker that was ever trained here, with its card; one of them serves, or none.

A model lies sealed under ``models/NNNN/``; the learned generation holds a copy of the one that serves, with a note of
those that served before it. So a model can go back into service without training, and the folder of an old one can be
removed without harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.core.clock import iso, now_ms
from ltrr_cli.core.errors import DamagedError, NotFoundError, UsageError
from ltrr_cli.learning.train import Trained
from ltrr_cli.ranking.model import Model
from ltrr_cli.ranking.trained import open_model
from ltrr_cli.storage import disk
from ltrr_cli.workspace.maintenance_records import ModelCard, ModelList

if TYPE_CHECKING:
    from ltrr_cli.workspace.workspace import Workspace

KIND = "models"
FUSION = 0  # number of "no ranker serves"
NAMED_BEFORE = 20  # models remembered as having served


class Served(msgspec.Struct, frozen=True):
    """``served.json`` beside the model that serves."""

    number: int = FUSION
    before: tuple[int, ...] = ()


def name_of(number: int) -> str:
    """Return how people call a model.

    >>> name_of(3), name_of(0)
    ('ranker-3', 'fusion')
    """
    return f"ranker-{number}" if number else "fusion"


def number_of(workspace: Workspace, name: str) -> int:
    """Return the number of ``ranker-3``, ``3`` or ``fusion``; raises NotFoundError, UsageError."""
    if name == "fusion":
        return FUSION
    digits = name.removeprefix("ranker-")
    if not digits.isdecimal() or not 0 < int(digits) < 10_000:
        raise UsageError(f"{name[:80]!r} is no model", hint="ranker-N, or fusion; see `ltrr models list`")
    if not workspace.generations.folder(KIND, int(digits)).is_dir():
        raise NotFoundError(f"no {name_of(int(digits))} in {workspace.home}", hint="see `ltrr models list`")
    return int(digits)


def keep(workspace: Workspace, trained: Trained, model: Model, source: str) -> int:
    """Seal a trained model with its card; return its number."""
    with workspace.generations.draft(KIND) as draft:
        model.save(draft.folder)
        card = ModelCard(
            name=name_of(draft.number),
            algorithm=model.algorithm,
            source=source,
            trained=iso(now_ms()),
            searches=trained.searches,
            reason=trained.reason,
            columns=len(model.schema.names),
            measures=trained.measures,
            importances=trained.importances,
            won=trained.won,
            lost=trained.lost,
        )
        disk.write_atomic(draft.folder / "card.json", msgspec.json.format(msgspec.json.encode(card)))
    return draft.number


@contextmanager
def serving(workspace: Workspace, number: int, *, back: bool = False) -> Iterator[Path]:
    """Give a folder, for as long as it is needed, with what a learned generation holds of a model that is to serve.

    back -- the model before is going back into service: what served since is forgotten
    """
    now = served(workspace)
    before = now.before[1:] if back else (now.number, *now.before)[:NAMED_BEFORE]
    folder = workspace.home / "models" / "serving.tmp"
    if folder.is_dir():
        disk.remove_folder(folder)
    disk.make_folder(folder)
    try:
        if number != FUSION:
            source = workspace.generations.folder(KIND, number)
            open_model(source)  # what cannot be read cannot serve
            for name in ("model.json", "model.npz"):
                disk.copy_file(source / name, folder / name)
        disk.write_atomic(folder / "served.json", msgspec.json.encode(Served(number, before)))
        yield folder
    finally:
        if folder.is_dir():
            disk.remove_folder(folder)


def before(workspace: Workspace) -> int:
    """Return the model that served before the one that serves; raises NotFoundError."""
    found = served(workspace).before
    if not found:
        raise NotFoundError("nothing served before", hint="`ltrr models promote NAME` takes any model of the list")
    return found[0]


def served(workspace: Workspace) -> Served:
    """Return which model serves, and which ones did before."""
    current = workspace.current()
    path = workspace.generations.folder("learned", current.learned) / "ranker" / "served.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Served)
    except (OSError, msgspec.MsgspecError):
        return Served()


def listing(workspace: Workspace) -> ModelList:
    """Return all models, newest first."""
    root = workspace.home / KIND
    folders = sorted((path for path in root.glob("[0-9]*") if path.name.isdecimal()), reverse=True)
    return ModelList(name_of(served(workspace).number), tuple(_card(path) for path in folders))


def card(workspace: Workspace, name: str | None) -> ModelCard:
    """Return the card of a model, of the serving one without a name; raises NotFoundError."""
    number = served(workspace).number if name is None else number_of(workspace, name)
    if number == FUSION:
        raise NotFoundError("fusion serves, which nobody trained", hint="ltrr train-ranker")
    return _card(workspace.generations.folder(KIND, number))


def _card(folder: Path) -> ModelCard:
    try:
        return msgspec.json.decode((folder / "card.json").read_bytes(), type=ModelCard)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{folder}: no card of a model: {error}", hint=f"remove {folder}") from None
