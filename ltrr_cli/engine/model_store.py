"""Every ranker that was ever trained here, with its card; one of them serves, or none.

A model lies sealed under ``models/NNNN/``; the learned generation holds a copy of the one that serves, with a note of
those that served before it. So a model can go back into service without training, and the folder of an old one can be
removed without harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ltrr_cli.core.errors import DamagedError, DataError, NotFoundError, UsageError
from ltrr_cli.core.report import Report
from ltrr_cli.engine.schema import misfit
from ltrr_cli.ranking.base_score import ANCHOR
from ltrr_cli.ranking.model import Model
from ltrr_cli.ranking.trained import NOTE, open_model
from ltrr_cli.storage import disk
from ltrr_cli.storage.manifest import MANIFEST

if TYPE_CHECKING:
    from ltrr_cli.engine.state import State

KIND = "models"
FUSION = 0  # number of "no ranker serves"
CARD = "card.json"
NAMED_BEFORE = 20  # models remembered as having served


@dataclass(frozen=True, slots=True)
class ModelCard(Report):
    """What is known of a trained ranker.

    source      -- "journal" or "judgments"
    measures    -- on held-out searches: "trained", "serving", "difference" -> measure -> value
    importances -- feature -> loss of nDCG@10 when it is shuffled
    won, lost   -- held-out queries with the largest changes of nDCG@10
    anchor      -- weight of the untrained score beside it
    silent      -- it says the less, the likelier a query asks for one thing by its name
    """

    name: str
    algorithm: str
    source: str
    trained: str  # time
    searches: int  # that it was trained on
    reason: str  # of the verdict
    columns: int  # number of features
    measures: Mapping[str, Mapping[str, float]]
    importances: Mapping[str, float]
    won: tuple[tuple[str, float], ...]
    lost: tuple[tuple[str, float], ...]
    anchor: float = ANCHOR
    silent: bool = False


@dataclass(frozen=True, slots=True)
class ModelList(Report):
    """All trained rankers, newest first, and which serves ("fusion": none)."""

    serving: str
    models: tuple[ModelCard, ...]


class Served(msgspec.Struct, frozen=True):
    """The note beside the model that serves."""

    number: int = FUSION
    before: tuple[int, ...] = ()


def name_of(number: int) -> str:
    """Return how people call a model.

    >>> name_of(3), name_of(0)
    ('ranker-3', 'fusion')
    """
    return f"ranker-{number}" if number else "fusion"


def number_of(state: State, name: str) -> int:
    """Return the number of ``ranker-3``, ``3`` or ``fusion``; raises NotFoundError, UsageError."""
    if name == "fusion":
        return FUSION
    digits = name.removeprefix("ranker-")
    if not digits.isdecimal() or not 0 < int(digits) < 10_000:
        raise UsageError(f"{name[:80]!r} is no model", hint="ranker-N, or fusion; see `ltrr models list`")
    if not state.generations.folder(KIND, int(digits)).is_dir():
        raise NotFoundError(f"no {name_of(int(digits))} in {state.home}", hint="see `ltrr models list`")
    return int(digits)


def opened(state: State, name: str) -> Model | None:
    """Open a kept model; None is fusion. Raises DamagedError, NotFoundError, UsageError."""
    number = number_of(state, name)
    return None if number == FUSION else _opened(state.generations.folder(KIND, number))


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Model:
    """A model's folder is sealed: it is read once."""
    return open_model(folder)


@contextmanager
def serving(state: State, number: int, *, back: bool = False) -> Iterator[Path]:
    """Give a folder, for as long as it is needed, with what a learned generation holds of a model that is to serve.

    back -- the model before is going back into service: what served since is forgotten
    """
    now = served(state)
    before = now.before[1:] if back else (now.number, *now.before)[:NAMED_BEFORE]
    folder = state.home / "models" / "serving.tmp"
    if folder.is_dir():
        disk.remove_folder(folder)
    disk.make_folder(folder)
    try:
        if number != FUSION:
            source = state.generations.folder(KIND, number)
            _check(state, number, open_model(source))  # what cannot be read cannot serve
            for path in sorted(source.iterdir()):
                if path.is_file() and path.name not in (CARD, MANIFEST):
                    disk.copy_file(path, folder / path.name)
        disk.write_atomic(folder / NOTE, msgspec.json.encode(Served(number, before)))
        yield folder
    finally:
        if folder.is_dir():
            disk.remove_folder(folder)


def _check(state: State, number: int, model: Model) -> None:
    """Raise DataError for a model that could not serve: it would lie there as if it were damaged."""
    reason = misfit(state.snapshot().schema(), model)
    if reason is not None:
        raise DataError(
            f"{name_of(number)} cannot serve here: {reason}",
            hint="`ltrr train-ranker` trains one that can, or switch the strategies on again that it was trained with",
        )


def before(state: State) -> int:
    """Return the model that served before the one that serves; raises NotFoundError."""
    found = served(state).before
    if not found:
        raise NotFoundError("nothing served before", hint="`ltrr models promote NAME` takes any model of the list")
    return found[0]


def served(state: State) -> Served:
    """Return which model serves, and which ones did before."""
    current = state.current()
    path = state.generations.folder("learned", current.learned) / "ranker" / NOTE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Served)
    except (OSError, msgspec.MsgspecError):
        return Served()


def listing(state: State) -> ModelList:
    """Return all models, newest first."""
    root = state.home / KIND
    folders = sorted((path for path in root.glob("[0-9]*") if path.name.isdecimal()), reverse=True)
    return ModelList(name_of(served(state).number), tuple(_card(path) for path in folders))


def card(state: State, name: str | None) -> ModelCard:
    """Return the card of a model, of the serving one without a name; raises NotFoundError."""
    number = served(state).number if name is None else number_of(state, name)
    if number == FUSION:
        raise NotFoundError("fusion serves, which nobody trained", hint="ltrr train-ranker")
    return _card(state.generations.folder(KIND, number))


def _card(folder: Path) -> ModelCard:
    try:
        return msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"{folder}: no card of a model: {error}", hint=f"remove {folder}") from None
